"""What a saved run says of pictures: its network or its neighbours asked anew. Keras only in `network`, in a process of its own."""
