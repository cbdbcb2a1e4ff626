"""Error codes of engines and state: KRJ301 to KRJ349.

KRJ350 to KRJ399 belong to the engine over Pulumi's command line (`kraj.engine.pulumi_errors`).
Errors that a resource provider raises itself (KRJ4xx) pass through an engine with their own code.
"""

from kraj.errors import ExitCode, KrajError, error_code

UNSUPPORTED = error_code(
    "KRJ301",
    "Not supported by the local engine",
    "The program uses a feature of Pulumi, a package or a resource type that the local engine does "
    "not have.",
    "Use what both engines support (docs/engines.md), or apply the stack with `--engine pulumi`.",
)
PROGRAM_FAILED = error_code(
    "KRJ302",
    "The stack program failed",
    "The Pulumi program ended with an error of its own, not with one of a resource.",
    "Read the causes; they name the line of the program.",
)
RESOURCE_FAILED = error_code(
    "KRJ303",
    "A resource could not be changed",
    "The provider refused or failed to create, change, read or delete a resource. The state holds "
    "what was done before it.",
    "Mend what the message names and run the same command again: it continues where it stopped.",
)
INVALID_INPUTS = error_code(
    "KRJ304",
    "Invalid resource inputs",
    "The provider's check refused the inputs of a resource; nothing was changed for it.",
    "Correct the properties that the message names.",
)
PROTECTED = error_code(
    "KRJ305",
    "A protected resource would be deleted",
    "The change deletes or replaces a resource that is marked `protect`.",
    "Remove the protection in the program and apply that first, or keep the resource.",
)
LOCKED = error_code(
    "KRJ306",
    "The stack is locked",
    "Another process works on this stack.",
    "Wait for it to end. Where it is certainly dead, break its lock with `kraj state unlock`.",
)
INTERRUPTED = error_code(
    "KRJ307",
    "Interrupted",
    "The run was stopped before it was complete. The state holds all that was done.",
    "Run the same command again: it continues where it stopped.",
)
STATE_NOT_WRITTEN = error_code(
    "KRJ308",
    "State cannot be written",
    "Writing the stack's state failed (for example a full disk). The file on disk is the last "
    "state that could be written, whole.",
    "Make room or mend the permissions, then run `kraj refresh` and the same command again.",
)
STATE_UNREADABLE = error_code(
    "KRJ309",
    "State cannot be read",
    "The stack's state is damaged, of a version that is not known, or uses features that the local "
    "engine does not have.",
    "Restore a copy: `kraj state backups`, `kraj state restore`; or import a good export.",
)
WRONG_PASSPHRASE = error_code(
    "KRJ310",
    "The passphrase does not fit",
    "The secrets in the state were encrypted with another passphrase.",
    "Set PULUMI_CONFIG_PASSPHRASE or PULUMI_CONFIG_PASSPHRASE_FILE to the one that was used.",
)
STACK_NOT_EMPTY = error_code(
    "KRJ311",
    "The stack still has resources",
    "A stack can be forgotten only when nothing of it exists any more.",
    "Destroy it first (`kraj down`).",
)
NO_PULUMI = error_code(
    "KRJ312",
    "No Pulumi command line",
    "The engine `pulumi` was asked for, but there is no `pulumi` on PATH.",
    "Install it with `kraj engine install`, or use `--engine local`.",
)
UNKNOWN_ENGINE = error_code(
    "KRJ313",
    "No such engine",
    "The engine that was asked for does not exist.",
    "Use `local` or `pulumi`, or leave the choice to kraj.",
)
BAD_STACK = error_code(
    "KRJ314",
    "The stack cannot be run",
    "The stack's specification does not fit its program folder, or a name in it is not allowed.",
    "Correct the name or path in the message.",
)
RESOURCE_MISSING = error_code(
    "KRJ315",
    "A resource to be read does not exist",
    "The program reads an existing resource by its id, and the provider does not find it.",
    "Correct the id, or create the resource first.",
)
DUPLICATE_RESOURCE = error_code(
    "KRJ316",
    "Two resources have the same name",
    "A program registers each combination of type, name and parent at most once.",
    "Give one of the two another name.",
)
BAD_PASSPHRASE_FILE = error_code(
    "KRJ317",
    "The passphrase cannot be read",
    "The file with the passphrase does not exist, is empty or cannot be read or written.",
    "Correct the path or its permissions.",
)
KEYRING_UNUSABLE = error_code(
    "KRJ328",
    "The keyring cannot be used",
    "The entry of the operating system's keyring that KRAJ_PASSPHRASE_KEYRING names is not there, "
    "or cannot be read or written.",
    "Unlock the keyring and look for the entry: keyring get SERVICE NAME. Or name a file instead: "
    "PULUMI_CONFIG_PASSPHRASE_FILE.",
)
STATE_CHANGED = error_code(
    "KRJ318",
    "The state was changed by somebody else",
    "Since this run read the stack's state, somebody else has replaced it: another machine, or "
    "somebody who took the lock away. The run has stopped and has not overwritten what they wrote.",
    "Wait until nobody works on the stack. Then run `kraj refresh` and the same command again. "
    "What this run had made is in the file that the message names; compare the two.",
)
STATE_UNREACHABLE = error_code(
    "KRJ319",
    "The place of the state cannot be reached",
    "The object storage or database that keeps the states does not answer, or refuses the "
    "credentials.",
    "Check its address (`state:` in region.yaml, KRAJ_STATE_URL) and your credentials, and run "
    "`kraj doctor`.",
)
BAD_STATE_URL = error_code(
    "KRJ320",
    "Not a place for states",
    "The address of the state is of no kind that kraj knows, or says something that must not be "
    "in it.",
    "Give a URL as docs/state.md describes it: file://, s3:// or postgres://.",
)
NO_CONDITIONAL_WRITES = error_code(
    "KRJ321",
    "The object storage cannot keep two writers apart",
    "The storage does not carry out a write only if the object is as expected (If-Match and "
    "If-None-Match of S3), or ignores the condition. Without it, two runs could overwrite each "
    "other's state.",
    "Use a storage that does (docs/state.md names some), or PostgreSQL.",
)
ORPHANS_AMBIGUOUS = error_code(
    "KRJ325",
    "Several objects may be the one that was being created",
    "An earlier run was cut off while it created a resource, and more than one object in the cloud "
    "fits it. kraj neither chooses among them nor makes one more.",
    "Look at the objects in the message, delete those that nobody needs (all of them, if you like: "
    "the resource is then made again), and run the same command again.",
)
NO_BACKUP = error_code(
    "KRJ326",
    "No such copy of the state",
    "The stack has no backup and no update of that name or number.",
    "List them with `kraj state backups` and `kraj state history`.",
)
BACKUP_DAMAGED = error_code(
    "KRJ327",
    "A copy of the state is damaged",
    "The content of a backup is not what its checksum says, so it is not used.",
    "Choose another one: `kraj state backups`.",
)


def interrupted(action: str, label: str, left: str = "") -> KrajError:
    """The error of a run that Ctrl-C stopped; `details` has the exit code it stands for."""
    return KrajError(
        INTERRUPTED,
        f"{action} of {label} was interrupted{left}",
        details={"exit_code": int(ExitCode.INTERRUPTED)},
    )
