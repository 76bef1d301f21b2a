"""The command line: thin commands over the modules beside this folder."""
