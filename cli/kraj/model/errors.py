"""Error codes of region files and the model (KRJ100 to KRJ199).

What is wrong inside one file (KRJ101 to KRJ119), between files (KRJ120 to KRJ139), and around files
(KRJ140 to KRJ149). The messages are made where the fault is found; this module only declares codes.
"""

from __future__ import annotations

from kraj.errors import error_code

YAML_SYNTAX = error_code(
    "KRJ101",
    "not valid YAML",
    "The file cannot be read as YAML, so nothing in it can be checked.",
    "Mend the syntax at the place shown; an editor with YAML support marks it.",
)
DUPLICATE_KEY = error_code(
    "KRJ102",
    "key given twice",
    "A mapping has the same key twice; YAML readers would silently keep one of the two values.",
    "Remove one of the two.",
)
UNKNOWN_KEY = error_code(
    "KRJ103",
    "unknown key",
    "The key means nothing at this place, so its value would have no effect.",
    "Correct the key or remove it; `kraj region schema` prints the keys that exist.",
)
MISSING_KEY = error_code(
    "KRJ104",
    "missing key",
    "A key that has no default is not given.",
    "Add the key; `kraj region schema` prints what it means.",
)
WRONG_VALUE = error_code(
    "KRJ105",
    "wrong value",
    "The value has the wrong type, or lies outside what is allowed at this place.",
    "Correct the value; `kraj region schema` prints what is allowed.",
)
WRONG_UNIT = error_code(
    "KRJ106",
    "size without a known unit",
    "A size is a number with a unit, because 16 TB and 16 TiB are different numbers.",
    "Write the number and one of B, kB, MB, GB, TB, PB, KiB, MiB, GiB, TiB, PiB: `200 GiB`.",
)
YAML_FEATURE = error_code(
    "KRJ107",
    "YAML feature that region files do not use",
    "Anchors, aliases and tags make a file say something else than it shows, so they are refused.",
    "Write the value out in plain YAML.",
)
SECRET_IN_FILE = error_code(
    "KRJ108",
    "secret in a file",
    "Region files are kept in git and read by many; a password must not stand in them.",
    "Take it out, change it where it is used, and give it as docs/state.md says: in the "
    "environment or in ~/.pgpass.",
)
FILE_NOT_EDITABLE = error_code(
    "KRJ109",
    "File cannot be edited",
    "A value cannot be written into the file without changing something else in it.",
    "Write the value by hand.",
)
UNKNOWN_NAME = error_code(
    "KRJ120",
    "unknown name",
    "The file names a service, size, pool, image or availability zone that is defined nowhere.",
    "Correct the name, or define it first.",
)
DUPLICATE_IDENTITY = error_code(
    "KRJ121",
    "two with one identity",
    "Slugs, LAU codes, company ids and names are identities: two of them cannot be told apart.",
    "Correct the one that is wrong, or remove the copy.",
)
STORAGE_RANGE = error_code(
    "KRJ122",
    "storage outside the service's range",
    "The ordered storage is smaller or larger than the service's card allows.",
    "Order a size inside the range shown, or change the card's range.",
)
ORDER_MISMATCH = error_code(
    "KRJ123",
    "order that the service cannot fulfil",
    "The order asks a service for something that its card does not offer.",
    "Leave the key out, or order a service that offers it.",
)
ADDRESS_OVERLAP = error_code(
    "KRJ124",
    "overlapping address ranges",
    "Two ranges that must be apart share addresses, so packets could reach the wrong network.",
    "Choose ranges without common addresses.",
)
OVER_CAPACITY = error_code(
    "KRJ125",
    "pools larger than the storage",
    "The storage pools add up to more than the storage capacity.",
    "Make the pools smaller, or correct the capacity.",
)
IDENTITY_FORMAT = error_code(
    "KRJ126",
    "identity of the wrong form",
    "A code does not have the form that the region's country uses.",
    "Look the code up in the public register and correct it.",
)
FILE_NAME = error_code(
    "KRJ127",
    "file or folder name that does not fit",
    "Slugs come from file names: lower-case ASCII letters, digits and single hyphens.",
    "Rename the file or folder, or the name in it.",
)
FILE_MISSING = error_code(
    "KRJ140",
    "file cannot be read",
    "A file that the region needs does not exist or cannot be read.",
    "Create the file, or correct its name or rights; `kraj region init` makes a complete folder.",
)
PUBLIC_KEY = error_code(
    "KRJ141",
    "not an OpenSSH public key",
    "The operators' key file does not hold one OpenSSH public key.",
    "Put the one line of `ssh-keygen -y -f <private key>` or of a `.pub` file there.",
)
FOLDER_NOT_EMPTY = error_code(
    "KRJ142",
    "folder has files already",
    "A new region is written into a new or empty folder only, so that no file is overwritten.",
    "Choose another folder, or move the files away.",
)
