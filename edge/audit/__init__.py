"""The audit of a device: evidence from the kernel and from bytes, for someone who doubts us.

Part A inspects the running processes, Part B runs a canary through the line and searches all
that comes out, Part C plants leaks that the same checks must catch. `finding` is the common
result, `command` calls the parts and writes the report. What a machine cannot show is said to
be "not checked", with the reason.
"""
