# Counts single tests in a JUnit file of ctest. Prints what failed (with the end of its output) and what was skipped
# and why; the last line is "PASSED FAILED SKIPPED". Every rank of an MPI test prints its own counts: the largest holds.

function plain(text) {
  gsub(/&lt;/, "<", text); gsub(/&gt;/, ">", text); gsub(/&quot;/, "\"", text); gsub(/&amp;/, "\\&", text)
  return text
}
function number(line) { sub(/^.*\] /, "", line); return line + 0 }
function larger(a, b) { return a > b ? a : b }

/<testcase / {
  name = $0; sub(/.* name="/, "", name); sub(/".*/, "", name)
  status = $0; sub(/.* status="/, "", status); sub(/".*/, "", status)
  p = f = s = lines = 0; reason = ""; message = ""
}
/<(skipped|failure)[ \/]/ { message = $0; sub(/.* message="/, "", message); sub(/".*/, "", message) }
/\[  PASSED  \] [0-9]+ test/ { p = larger(p, number($0)) }
/\[  FAILED  \] [0-9]+ test/ { f = larger(f, number($0)) }
/\[  SKIPPED \] [0-9]+ test/ { s = larger(s, number($0)) }
skip_follows { reason = plain($0); skip_follows = 0; if (!((name, reason) in told)) { told[name, reason] = 1; print "skipped: " name ": " reason } }
/: Skipped$/ { skip_follows = 1 }
{ output[lines++ % 60] = $0 }
/<\/testcase>/ {
  if (status == "fail") {
    if (f == 0) f = 1
    print "failed: " name " (" plain(message) "); the end of its output:"
    for (i = larger(0, lines - 60); i < lines; i++) print "    " plain(output[i % 60])
  } else if (status == "run") {
    if (p + s == 0) p = 1
  } else if (status == "notrun" || status == "disabled") {
    # A skip is a skip; a program that is not there is a failure.
    if (message ~ /SKIP/ || status == "disabled") { if (s == 0) { s = 1; print "skipped: " name ": " plain(message) } }
    else { f = 1; print "failed: " name " (" plain(message) ")" }
  }
  passed += p; failed += f; skipped += s
}
END { print passed + 0, failed + 0, skipped + 0 }
