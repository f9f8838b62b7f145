"""The Review screen: likely label errors, one picture after the other, and what a person says of them."""
