"""What a saved network says of pictures. Imports Keras: in a process of its own, never in the web server's."""
