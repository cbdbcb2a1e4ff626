"""The local engine: Pulumi programs without Pulumi's command line.

It serves Pulumi's ResourceMonitor and Engine contracts to the program (`monitor`, `program`,
`host`), calls Pulumi's ResourceProvider contract for the resources (`providers`), decides and
does the steps (`stepper`, `deletion`, `refreshing`) and keeps Pulumi's checkpoint (`journal`,
`state`, `store`). Start reading in `engine`. Nothing is imported here: the program's process
loads this package too.
"""
