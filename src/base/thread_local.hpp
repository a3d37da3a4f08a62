#pragma once
// Variables of threads on hot paths: reached without a call, which code for shared libraries would else make.

/// Before `constinit thread_local`. A library that dlopen loads has little room for such: keep them small.
#define RINGRAY_NEAR_THREAD [[gnu::tls_model("initial-exec")]]
