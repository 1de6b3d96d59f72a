"""A short day of a company: what each desk does, one call after the other.

The numbers are those of the demo data's people, and of strangers.
"""

from concurrent.futures import ThreadPoolExecutor

from .player import Played, Player

# {first phone: [(story, its options), …]}; the desks work side by side.
DESKS = {
    "100": [
        ("recorded", {"caller": "+442079460201", "duration": 8}),
        ("missed", {"caller": "+442079460203"}),
        ("transfer", {"caller": "+442079460206"}),
        ("outbound", {"caller": "+442079460203", "duration": 4}),
        ("menu", {"caller": "+442079460777"}),
    ],
    "101": [
        ("answered", {"caller": "+442079460202", "duration": 4}),
        ("given_up", {"caller": "+442079460207"}),
        ("recorded", {"caller": "+447400123401", "duration": 6}),
        ("queue", {"caller": "+441134960166"}),
        ("voicemail", {"caller": "+442079460205", "duration": 5}),
    ],
    "102": [
        ("group", {"caller": "+441514960177", "duration": 5}),
        ("answered", {"caller": "+441214960131", "duration": 3}),
        ("outbound_unanswered", {"caller": "+441514960177"}),
        ("attended", {"caller": "+33199005501"}),
        ("queue_given_up", {"caller": "+442079460778"}),
        ("answered", {"caller": "+442079460779", "ring": 2, "duration": 3}),
    ],
    "103": [
        ("outbound", {"caller": "+441414960155", "duration": 6}),
        ("busy", {"caller": "+442079460208"}),
        ("attended_ringing", {"caller": "+441614960112"}),
        ("internal", {}),
        ("outbound_busy", {"caller": "+441614960110"}),
        ("menu_only", {"caller": "+442079460776"}),
        ("answered_withheld", {}),
    ],
}
# While nothing else rings.
LAST = ("pickup", {"caller": "+441174960120"})


def play(player: Player) -> list[Played]:
    """Play the day; what was played, in the order of its end."""

    def work(desk):
        number, calls = desk
        return [
            player.play(player.begin(story, number, **options))
            for story, options in calls
        ]

    with ThreadPoolExecutor(len(DESKS)) as desks:
        played = [one for done in desks.map(work, DESKS.items()) for one in done]
    story, options = LAST
    played.append(player.play(player.begin(story, "102", **options)))
    return played
