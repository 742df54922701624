"""Counts test cases from the log that meson test wrote: test_summary.py TESTLOG.JSON STATUS-OF-MESON-TEST.

A cmocka program or a Python unittest holds many cases, and each is counted; any other test is one case. The last line
printed is "N passed, N failed, N skipped". Exits with 1 when anything failed, or when meson says so, or nothing ran.
"""
import json
import re
import sys


def cases(result, output):
    """(passed, failed, skipped) of one test: its result as meson gives it, and what it printed."""
    passed = failed = skipped = 0
    for number in re.findall(r"^\[  PASSED  \] (?:.*: )?(\d+) test\(s\)", output, re.M):  # cmocka, one line a group
        passed += int(number)
    for number in re.findall(r"^\[  SKIPPED \] (?:.*: )?(\d+) test\(s\)", output, re.M):
        skipped += int(number)
    for number in re.findall(r"^\[  FAILED  \] (?:.*: )?(\d+) test\(s\)", output, re.M):
        failed += int(number)
    ran = re.search(r"^Ran (\d+) tests? in", output, re.M)  # unittest
    if ran:
        counts = {key: int(n) for key, n in re.findall(r"(failures|errors|skipped)=(\d+)", output[ran.end():])}
        bad, skip = counts.get("failures", 0) + counts.get("errors", 0), counts.get("skipped", 0)
        passed, failed, skipped = passed + int(ran.group(1)) - bad - skip, failed + bad, skipped + skip
    if result in ("OK", "EXPECTEDFAIL"):
        return (passed, 0, skipped) if passed + skipped else (1, 0, 0)
    if result == "SKIP":
        return (passed, 0, max(skipped, 1))
    return (max(passed, 0), max(failed, 1), skipped)


def main():
    path, status = sys.argv[1], int(sys.argv[2])
    total, bad, programs = [0, 0, 0], [], 0
    try:
        with open(path, encoding="utf-8") as log:
            for line in log:
                test = json.loads(line)
                programs += 1
                output = test.get("stdout", "") + "\n" + test.get("stderr", "")
                total = [a + b for a, b in zip(total, cases(test["result"], output))]
                if test["result"] not in ("OK", "EXPECTEDFAIL", "SKIP"):
                    bad.append(f"{test['name']}: {test['result']}")
                elif test["result"] == "SKIP" or re.search(r"^\[  SKIPPED \] .*\d+ test\(s\)|skipped=\d+", output, re.M):
                    print(f"skipped, all or part: {test['name']}")
    except OSError as error:
        print(f"no test log: {error}")
    for line in bad:
        print(f"failed: {line}")
    print(f"{programs} test programs")
    print(f"{total[0]} passed, {total[1]} failed, {total[2]} skipped")
    return 1 if bad or status or not programs else 0


if __name__ == "__main__":
    sys.exit(main())
