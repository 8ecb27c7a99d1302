# SPDX-License-Identifier: BSD-2-Clause
"""The conventions of the command line, through the built program.

usage: cli.py PROGRAM [FOLDER with mirrorball.1 and mirrorball.bash]"""

import os
import re
import shutil
import subprocess
import sys

import tree

PROGRAM = sys.argv[1]
problems = []


def run(*args, **options):
    options = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
    return subprocess.run([PROGRAM, *args], text=True, check=False, timeout=60, **options)


def expect(good, what):
    if not good:
        problems.append(what)


def one_line(done, code, what, *words):
    """The exit code, nothing on stdout, one line on stderr that starts with the program's name and holds the words."""
    lines = (done.stderr or "").splitlines()
    expect(done.returncode == code, f"{what}: exit {done.returncode}, {code} expected")
    expect(not done.stdout, f"{what}: text on standard output")
    expect(len(lines) == 1 and lines[0].startswith("mirrorball"), f"{what}: {len(lines)} lines of errors: {lines[:3]}")
    for word in words:
        expect(word in (done.stderr or ""), f"{what}: {word!r} is not in {lines[:1]}")


def commands():
    """Names of the commands, from the help: of one word, or of a group and a word."""
    listed = run("--help").stdout.split("Commands:\n")[1].split("\n\n")[0]
    return [name for name in re.findall(r"^  (\w+(?: \w+)?)(?:  |$)", listed, re.M) if name != "help"]


def options(command):
    """(letter or '', name, takes a value) of each option, from the help."""
    listed = run(*command.split(), "--help").stdout.split("Options:\n")[1].split("\n\n")[0]
    return re.findall(r"^  (?:-(\w), |    )--([\w-]+)( \S+)?", listed, re.M)


def check_program():
    for args in (["--help"], ["-h"], ["help"]):
        done = run(*args)
        expect(done.returncode == 0 and "Commands:" in done.stdout and not done.stderr, f"{args}: no help")
    expect(re.fullmatch(r"mirrorball \d+\.\d+\.\d+\n", run("--version").stdout), "--version: no version")
    one_line(run(), 2, "no command", "--help")
    one_line(run("polices"), 2, "a misspelt command", "did you mean 'policies'")
    one_line(run("--hlep"), 2, "a misspelt option", "did you mean '--help'")
    one_line(run("help", "nonsense"), 2, "help of nothing")
    one_line(run("a\nb\033[31m"), 2, "control characters")


def check_command(name):
    done = run(*name.split(), "--help")
    expect(done.returncode == 0 and not done.stderr, f"{name} --help: exit {done.returncode}")
    expect(done.stdout.startswith(f"Usage: mirrorball {name} "), f"{name} --help: no usage line")
    expect(f"Examples:\n  mirrorball {name}" in done.stdout, f"{name} --help: no example")
    expect(run("help", *name.split()).stdout == done.stdout, f"help {name} is not {name} --help")
    text, examples = done.stdout.split("Examples:\n")
    wide = [line for line in text.splitlines() + re.findall("^ {6}.*", examples, re.M) if len(line) > 80]
    expect(not wide, f"{name} --help: a line over 80 columns: {wide[:1]}")
    one_line(run(*name.split(), "--no-such-option"), 2, f"{name} with an unknown option", "--no-such-option", f"{name} --help")
    one_line(run(*name.split(), "-@"), 2, f"{name} with an unknown letter", "-@")
    for letter, option, value in options(name):
        if value:
            one_line(run(*name.split(), f"--{option}"), 2, f"{name} --{option} without its value", option)
        elif option != "help":
            one_line(run(*name.split(), f"--{option}=1"), 2, f"{name} --{option}=1", "takes no value")
    names = {option for _, option, _ in options(name)}
    if "format" in names:
        needed = [w for o, v in (("policy", "first_touch"), ("vary", "seed=1")) if o in names for w in (f"--{o}", v)]
        wrong = run(*name.split(), *needed, "--format", "xml", *(["no-such-file.h5"] if "TRACE" in text else []))
        one_line(wrong, 2, f"{name} --format xml", "table", "csv", "json")


def check_letters(names):
    """A letter stands for one long name in all commands, and an option that has a letter has it wherever it means the
    same, which is when the name of its value is the same."""
    meaning, letters = {}, {}
    for name in names:
        for letter, option, value in options(name):
            if letter:
                expect(meaning.setdefault(letter, option) == option, f"{name} -{letter}: --{option}, elsewhere --{meaning[letter]}")
            letters.setdefault((option, value), {}).setdefault(letter, name)
    for (option, value), of in letters.items():
        expect(len(of) == 1, f"--{option}{value}: a letter in some commands only: {of}")


def check_streams():
    with open("/dev/full", "w", encoding="utf-8") as full:
        one_line(run("--help", stdout=full), 1, "--help to a full disk", "No space left")
        one_line(run("policies", stdout=full), 1, "policies to a full disk", "No space left")
    closed = subprocess.run(["sh", "-c", '"$1" policies >&-', "sh", PROGRAM], capture_output=True, text=True, check=False)
    one_line(closed, 1, "policies to a closed stream")
    reader, writer = os.pipe()
    os.close(reader)
    one_line(run("policies", stdout=writer), 1, "policies into a pipe nobody reads", "pipe")
    os.close(writer)
    env = {**os.environ, "NO_COLOR": "1", "TERM": "xterm"}
    expect("\033" not in run("policies", env=env).stdout, "policies: colour with NO_COLOR")


def on_terminal(**env):
    """What `policies` writes to a terminal."""
    import pty

    master, slave = pty.openpty()
    subprocess.run([PROGRAM, "policies"], stdout=slave, stdin=subprocess.DEVNULL, check=False, timeout=60,
                   env={**os.environ, "TERM": "xterm", **env})
    os.close(slave)
    text = b""
    try:
        while chunk := os.read(master, 65536):
            text += chunk
    except OSError:  # the other end is closed: all was read
        pass
    os.close(master)
    return text.decode()


def check_colour():
    expect("first_touch" in on_terminal(NO_COLOR="1"), "policies: nothing on a terminal")
    expect("\033" not in on_terminal(NO_COLOR="1"), "policies: colour on a terminal with NO_COLOR")
    expect("\033" not in on_terminal(TERM="dumb"), "policies: colour on a dumb terminal")


def check_completion(text, names):
    expect(run("--completion", "bash").stdout == text, "mirrorball.bash is stale")
    one_line(run("--completion", "nonsense"), 2, "--completion of an unknown shell", "bash")
    if not shutil.which("bash"):
        return
    ask = 'source /dev/stdin; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _mirrorball "$1"; printf "%s\\n" "${COMPREPLY[@]}"'

    def complete(*words):
        done = subprocess.run(["bash", "-c", ask, "bash", PROGRAM, *words], input=text, capture_output=True, text=True,
                              check=False, timeout=60)
        expect(not done.stderr, f"completion of {words}: {done.stderr}")
        return done.stdout.split()

    expect({name.split()[0] for name in names} <= set(complete("")), "completion does not list every command")
    expect({name.split()[0] for name in names} <= set(complete("help", "")), "completion after help does not list every command")
    for name in names:
        offered = set(complete(*name.split(), "-"))
        wanted = {f"--{option}" for _, option, _ in options(name)} | {f"-{l}" for l, _, _ in options(name) if l}
        expect(wanted == offered, f"completion of {name}: {sorted(wanted ^ offered)}")
        if any(option == "policy" for _, option, _ in options(name)):
            expect("first_touch" in complete(*name.split(), "--policy", "fir"), f"completion of {name} --policy")
        if any(option == "format" for _, option, _ in options(name)):
            expect(complete(*name.split(), "--format", "j") == ["json"], f"completion of {name} --format")


def check_manual(text, names):
    expect(run("--man").stdout == text, "mirrorball.1 is stale")
    if shutil.which("groff"):
        command = ["groff", "-man", "-ww", "-rLL=200n", "-rHY=0", "-Tascii", "-P-cbou"]
        done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
        expect(not done.stderr, f"the manual page has faults: {done.stderr}")
        text = done.stdout
    for name in names:
        expect(f"mirrorball {name}" in text, f"the manual page does not show {name}")
        for _, option, _ in options(name):
            expect(f"--{option}" in text.replace("\\-", "-"), f"the manual page does not show {name} --{option}")
    check_lists(names)


def check_lists(names):
    """What a list in a description says of a word stands in one column of the manual, however narrow the page."""
    if not shutil.which("groff"):
        return
    command = ["groff", "-man", "-rLL=78n", "-rHY=0", "-Tascii", "-P-cbou"]
    page = subprocess.run(command, input=run("--man").stdout, capture_output=True, text=True, check=False).stdout
    for name in names:
        shown = page.split(f"mirrorball {name} [OPTION]")[1].splitlines()
        for column, line in re.findall(r"^(  \S+ +)(\S.*)", run(*name.split(), "--help").stdout.split("Options:\n")[0], re.M):
            word = column.split()[0]
            at = [i for i, text in enumerate(shown) if re.match(rf" {{7}}{re.escape(word)}  +{re.escape(line.split()[0])}", text)]
            expect(at, f"the manual page does not show {name}: {word}")
            for text in shown[at[0] + 1:] if at else ():
                if text[:8].strip() or not text.strip():
                    break
                wide = len(text) - len(text.lstrip())
                expect(wide == len(column) + 5, f"the manual page, {name}: {word} goes on in column {wide}: {text.strip()}")


def main():
    names = commands()
    check_program()
    for name in names:
        check_command(name)
    check_letters(names)
    check_streams()
    check_colour()
    folder = sys.argv[2]
    with open(os.path.join(folder, "mirrorball.bash"), encoding="utf-8") as file:
        check_completion(file.read(), names)
    with open(os.path.join(folder, "mirrorball.1"), encoding="utf-8") as file:
        check_manual(file.read(), names)
    tree.finish("command line", problems, f"{len(names)} commands: {' '.join(names)}")


main()
