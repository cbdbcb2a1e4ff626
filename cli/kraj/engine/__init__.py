"""How a stack program is applied to a cloud: the contract (`base`) and the two engines."""
