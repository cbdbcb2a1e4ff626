"""Codes of the command line and of what the commands do (KRJ7xx)."""

from kraj.errors import error_code

USAGE = error_code(
    "KRJ701",
    "Wrong command line",
    "An option or argument is missing, unknown or malformed.",
    "Read the command's help: kraj COMMAND --help.",
)
NO_REGION = error_code(
    "KRJ702",
    "No region chosen",
    "There is no region folder, or several and none was named.",
    "Name it: --region NAME or KRAJ_REGION=NAME; make one with `kraj region init NAME`.",
)
UNKNOWN_TARGET = error_code(
    "KRJ703",
    "Unknown target",
    "`--only` takes `centre` or `tenant:<slug>` of a tenant file that exists.",
    "List the tenants with `kraj region show`.",
)
NOT_CONFIRMED = error_code(
    "KRJ704",
    "Not confirmed",
    "The change deletes or replaces resources and nobody said yes.",
    "Read the plan with `kraj plan`; run again and answer yes, or pass --yes.",
)
SOME_STACKS_FAILED = error_code(
    "KRJ705",
    "Some stacks failed",
    "At least one stack could not be applied; the others were finished.",
    "Mend the cause named above it and run the same command again: it goes on where it stopped.",
)
NO_PROJECT = error_code(
    "KRJ706",
    "Not in a kraj project",
    "Neither this folder nor one above it has the folders stacks/ and roles/.",
    "Change into the project, or name it: KRAJ_PROJECT=FOLDER.",
)
UNKNOWN_CODE = error_code(
    "KRJ707",
    "Unknown error code",
    "No error has this code.",
    "List them with `kraj explain`.",
)
LEDGER_OUT_OF_DATE = error_code(
    "KRJ708",
    "Address ledger out of date",
    "The region's files need addresses that the ledger does not record yet.",
    "Run `kraj plan` without --locked, review the change of addresses.yaml and commit it.",
)
UNKNOWN_DOCUMENT = error_code(
    "KRJ709",
    "Unknown document",
    "No command prints a JSON document of that name and version.",
    "List them with `kraj schema`; the schemas of files are those of `kraj region schema`.",
)
FILE_UNUSABLE = error_code(
    "KRJ730",
    "The file cannot be used",
    "A file that was named on the command line cannot be read or written, or is not of the kind "
    "that the command takes.",
    "Correct its path, its permissions or its content.",
)
NO_SUCH_DRIFT = error_code(
    "KRJ710",
    "No such drift",
    "What was named differs from the stacks in nothing.",
    "List what differs with `kraj drift`, and name it as RESOURCE or RESOURCE/PROPERTY.",
)
NO_SUCH_SECRET = error_code(
    "KRJ715",
    "No such secret",
    "No role of the stack's servers asks for a secret of that name.",
    "List them with `kraj secret list`.",
)
TENANT_EXISTS = error_code(
    "KRJ716",
    "Tenant exists",
    "A file of that name is among the region's tenants; a new one never replaces it.",
    "Change the file that is there, or give the new tenant another slug: `kraj tenant new SLUG`.",
)
NO_SUCH_SERVER = error_code(
    "KRJ714",
    "No such server",
    "No stack that was applied has a server of that name.",
    "List the servers with `kraj inventory --list`.",
)
NOT_ACCEPTABLE = error_code(
    "KRJ711",
    "Cannot be accepted",
    "The region's files have no place for what was changed in the cloud.",
    "Restore it with `kraj up --refresh`; delete what is in no plan, or leave it there.",
)
FILES_CHANGED = error_code(
    "KRJ712",
    "Files changed meanwhile",
    "A file of the region was changed by somebody else after it had been read.",
    "Run the command again.",
)
FILES_NOT_WRITTEN = error_code(
    "KRJ713",
    "Files cannot be written",
    "A file of the region cannot be replaced; those that had been are as before.",
    "Look at the folder's owner, its permissions and the room on the disk.",
)
INTERRUPTED = error_code(
    "KRJ798",
    "Interrupted",
    "The command was stopped by Ctrl-C.",
    "Run it again: it goes on where it stopped.",
)
INTERNAL = error_code(
    "KRJ799",
    "Internal error",
    "kraj met a situation that its authors did not foresee.",
    "Report it with the file named in the message; KRAJ_DEBUG=1 shows the traceback.",
)
