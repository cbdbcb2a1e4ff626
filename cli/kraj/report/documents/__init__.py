"""The JSON documents that commands print with `--json`, as models.

The models are the one source of what is printed and of its schema: a command builds its document
and prints it with `kraj.report.output.print_document`; `docs/schema/output/` and `kraj schema` are
made from them. Each module has the documents of one group of commands, `catalogue` lists them all.
Not here: the files of a region (`kraj.model`), and the documents that planning hands to stack
programs (`kraj.planning.documents`).
"""
