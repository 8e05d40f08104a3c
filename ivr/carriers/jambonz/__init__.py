"""jambonz, which a city runs itself: signed JSON in, verbs in JSON out, messages over a websocket."""
