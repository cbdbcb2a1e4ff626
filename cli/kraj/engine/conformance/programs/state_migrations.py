"""A function of the program that changes the old state before it is compared."""

from conform import Thing
from pulumi import ResourceOptions

Thing("thing", text="a", opts=ResourceOptions(state_migrations=[lambda _args: None]))
