"""Home: what is here, what runs, what to do next. Start it with ``streamlit run app.py``."""

from __future__ import annotations

import streamlit as st

if __name__ == "__main__":  # the screen, as it runs for each visit
    from dhc.ui import demo, home
    from dhc.ui.shell.frame import frame
    from dhc.ui.shell.states import guard

    frame("Deep Hallucination Classification", ":material/blur_on:")
    with guard():
        st.markdown(
            "Train a VGG16 on 64×64 pictures, watch loss and accuracy while it learns, look at what it gets wrong, and choose "
            "dropout, learning-rate factor, patience and epochs by hand. New to it? [Lessons](lessons?lesson=) explain the ideas, "
            "[the story](story?rung=) tells how the report's network came about."
        )
        demo.draw()
        home.draw()
else:  # the server: `streamlit run` looks for this assignment and imports it, once
    from dhc.ui.shell import server

    server.prepare()
    app = st.App(__file__, middleware=server.MIDDLEWARE, lifespan=server.say_address)
