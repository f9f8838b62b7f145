"""The Map screen: all pictures at once, by what the network makes of them."""
