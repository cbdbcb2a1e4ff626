"""How results reach people and programs: console, JSON, JSON lines, Markdown, JUnit.

Formats are small and know nothing of the rules behind what they print.
"""
