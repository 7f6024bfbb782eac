"""What English sentences say about the person who wrote them, and which say nothing. All on Wednesday 29 April 2026."""

from __future__ import annotations

import pytest

from .said import brief, said

STATED: list[tuple[str, list[tuple[str, str]]]] = [
    ("My name is Jon Snow.", [("name", "Name is Jon Snow")]),
    ("my name is jon", [("name", "Name is jon")]),
    ("Hi, I'm Caroline. Nice to meet you!", [("name", "Name is Caroline")]),
    ("Please call me Bea", [("name", "Name is Bea")]),
    ("I'm 34 years old", [("age", "Is 34 years old")]),
    ("My birthday is on 3 May", [("birthday", "Birthday is 3 May")]),
    ("I was born on March 12, 1990.", [("birthday", "Birthday is 12 March 1990")]),
    ("I live in Lisbon, Portugal.", [("home", "Lives in Lisbon, Portugal")]),
    ("i live in berlin", [("home", "Lives in berlin")]),
    ("I've lived in Lisbon since 2019.", [("home", "Lives in Lisbon @2019-01-01")]),
    ("I'm currently living in New York and I love it", [("home", "Lives in New York")]),
    ("We moved from Berlin to San Francisco last year", [("home", "Lives in San Francisco @2025-01-01")]),
    ("I just moved to Porto", [("home", "Lives in Porto")]),
    ("I don't live in Berlin any more.", [("~home", "No longer lives in Berlin")]),
    ("I used to live in Paris", [("~home", "No longer lives in Paris")]),
    ("I'm originally from Buenos Aires", [("origin", "Is from Buenos Aires")]),
    (
        "I work at Google as a software engineer.",
        [("employer", "Works at Google"), ("job_title", "Works as a software engineer")],
    ),
    (
        "I'm a software engineer at Acme Corp",
        [("employer", "Works at Acme Corp"), ("job_title", "Works as a software engineer")],
    ),
    (
        "I am a nurse and I work for St. Mary's Hospital",
        [("job_title", "Works as a nurse"), ("employer", "Works at St. Mary's Hospital")],
    ),
    ("I no longer work at Google", [("~employer", "No longer works at Google")]),
    ("I quit my job last week", [("~employer", "Left the previous job")]),
    ("I work in marketing", [("field", "Works in marketing")]),
    ("My wife Ana is a doctor", [("partner", "Has a wife named Ana")]),
    ("My wife's name is Ana Sofia.", [("partner", "Has a wife named Ana Sofia")]),
    ("I'm married to Tom", [("partner", "Is married to Tom")]),
    ("My husband and I just broke up", [("~partner", "Is no longer with the former partner")]),
    ("My mom Clara is visiting", [("parent", "Has a mom named Clara")]),
    ("My sister Lena lives in Rome", [("family", "Has a sister named Lena")]),
    ("I have a brother named Max", [("family", "Has a brother named Max")]),
    (
        "I have two kids, Anna and Ben.",
        [("family", "Has a child named Anna"), ("family", "Has a child named Ben"), ("family_size", "Has two kids")],
    ),
    ("I have a dog named Biscuit", [("pet", "Has a dog named Biscuit")]),
    ("My cat Milo is sick", [("pet", "Has a cat named Milo")]),
    ("I have two cats named Milo and Luna", [("pet", "Has a cat named Milo"), ("pet", "Has a cat named Luna")]),
    ("I have a cat", [("pet", "Has a cat")]),
    ("My dog Rex died last month", [("~pet", "No longer has the dog Rex")]),
    ("I'm vegetarian, what should I cook tonight?", [("diet", "Is vegetarian")]),
    ("I'm a vegan and I hate mushrooms", [("diet", "Is vegan"), ("dislikes", "Dislikes mushrooms")]),
    ("I'm not vegetarian any more", [("~diet", "Is not vegetarian")]),
    ("I'm no longer vegan.", [("~diet", "Is not vegan")]),
    (
        "I'm allergic to peanuts and shellfish",
        [("allergy", "Is allergic to peanuts"), ("allergy", "Is allergic to shellfish")],
    ),
    ("I have a severe allergy to penicillin.", [("allergy", "Is allergic to penicillin")]),
    ("I have a peanut allergy", [("allergy", "Is allergic to peanut")]),
    ("I'm lactose intolerant", [("intolerance", "Is lactose intolerant")]),
    ("I don't eat pork or beef", [("avoids", "Does not eat pork"), ("avoids", "Does not eat beef")]),
    ("I can't eat that because I'm allergic to nuts.", [("allergy", "Is allergic to nuts")]),
    (
        "I love hiking, swimming and painting",
        [("likes", "Likes hiking"), ("likes", "Likes swimming"), ("likes", "Likes painting")],
    ),
    ("I really like Italian food", [("likes", "Likes Italian food")]),
    ("I don't like mushrooms", [("dislikes", "Dislikes mushrooms")]),
    ("I don't like jazz any more", [("~likes", "No longer likes jazz")]),
    ("I hate olives", [("dislikes", "Dislikes olives")]),
    ("I prefer tea over coffee", [("prefers", "Prefers tea over coffee")]),
    ("My favorite color is dark blue", [("favourite color", "Favourite color is dark blue")]),
    (
        "I speak English, French and a little Spanish",
        [("speaks", "Speaks English"), ("speaks", "Speaks French"), ("speaks", "Speaks Spanish")],
    ),
    ("I'm learning Japanese", [("learning", "Is learning Japanese")]),
    ("My native language is Polish", [("speaks", "Speaks Polish")]),
    ("I'm flying to Rome next Friday", [("plan", "Is flying to Rome on 8 May 2026 @2026-05-08")]),
    (
        "Next Friday I'm flying to Rome with my sister",
        [("plan", "Is flying to Rome with their sister on 8 May 2026 @2026-05-08")],
    ),
    ("I'm going to Paris on 3 May", [("plan", "Is going to Paris on 3 May 2026 @2026-05-03")]),
    ("I have a dentist appointment tomorrow", [("plan", "Has a dentist appointment on 30 April 2026 @2026-04-30")]),
    ("My final exam is on May 12", [("plan", "Has a final exam on 12 May 2026 @2026-05-12")]),
    ("I'm planning to visit Kyoto in October", [("plan", "Plans to visit Kyoto in October 2026 @2026-10-01")]),
    ("I'm getting married in June", [("plan", "Is getting married in June 2026 @2026-06-01")]),
    ("I'm moving to Berlin next month", [("plan", "Is moving to Berlin in May 2026 @2026-05-01")]),
    ("I live in Berlin. Actually it's Potsdam.", [("home", "Lives in Berlin"), ("home", "Lives in Potsdam")]),
    ("By the way, I'm vegan.", [("diet", "Is vegan")]),
    ("As I mentioned, I live in Oslo so I need warm clothes", [("home", "Lives in Oslo")]),
    ("Remember that I am allergic to soy.", [("allergy", "Is allergic to soy")]),
    ("We're going to Iceland in two weeks", [("plan", "Is going to Iceland on 13 May 2026 @2026-05-13")]),
    ("I'm Darryl, a 60-year-old producer.", [("name", "Name is Darryl")]),
    ("How do I thank my wife Ana?", [("partner", "Has a wife named Ana")]),
    ("Can you suggest a gift for my son Francis, who's 21?", [("family", "Has a son named Francis")]),
    ("We had dinner with my partner, James, on Fridays.", [("partner", "Has a partner named James")]),
    ("I love cooking for my family", [("likes", "Likes cooking")]),
    (
        "I enjoy hiking in the mountains and reading",
        [("likes", "Likes hiking in the mountains"), ("likes", "Likes reading")],
    ),
    ("I'll be in Rome next week", [("plan", "Will be in Rome in the week of 4 May 2026 @2026-05-04")]),
    ("I'm planning a movie marathon for May 16-17", [("plan", "Plans a movie marathon on 16 May 2026 @2026-05-16")]),
    ("I work for a big bank but I live in Leeds", [("home", "Lives in Leeds")]),
    ("I am from Ghana", [("origin", "Is from Ghana")]),
    ("I can't stand cilantro", [("dislikes", "Dislikes cilantro")]),
    ("I have asthma", [("health", "Has asthma")]),
    ("I gave up eating meat last year", [("avoids", "Does not eat meat")]),
    ("I don't drink alcohol", [("avoids", "Does not drink alcohol")]),
    ("I'm a huge fan of jazz", [("likes", "Likes jazz")]),
    ("I'm not allergic to cats any more", [("~allergy", "Is not allergic to cats")]),
    ("I used to work at Nokia", [("~employer", "No longer works at Nokia")]),
    ("I resigned from Nokia last month", [("~employer", "No longer works at Nokia @2026-03-01")]),
    ("My native tongue is Korean", [("speaks", "Speaks Korean")]),
    ("My favourite book is The Hobbit", [("favourite book", "Favourite book is The Hobbit")]),
    ("I prefer e-books because they are light.", [("prefers", "Prefers e-books")]),
    ("My best friend Tom lives here", [("friend", "Has a best friend named Tom")]),
    ("I'm into classical music", [("likes", "Likes classical music")]),
    ("My interview has been moved to May 20", [("plan", "Has an interview on 20 May 2026 @2026-05-20")]),
    ("I have three kids", [("family_size", "Has three kids")]),
    ("I follow a strict keto diet", [("diet", "Follows a keto diet")]),
    ("I'm no longer working at Acme.", [("~employer", "No longer works at Acme")]),
    ("I moved out of Berlin", [("~home", "No longer lives in Berlin")]),
    ("(By the way: I'm lactose intolerant.)", [("intolerance", "Is lactose intolerant")]),
    ("- I live in Vienna", [("home", "Lives in Vienna")]),
    ("FYI: I live in Vienna", [("home", "Lives in Vienna")]),
    ("I live in Vienna, can you suggest a museum?", [("home", "Lives in Vienna")]),
    ("I'm vegan so what can I order?", [("diet", "Is vegan")]),
    ("I broke up with Sam", [("~partner", "Is no longer together with Sam")]),
    ("I stopped eating meat in 2020", [("avoids", "Does not eat meat")]),
    ("I own a parrot named Kiwi", [("pet", "Has a parrot named Kiwi")]),
]

SILENT: list[str] = [
    "I used to love hiking, but it's been a while.",
    "I love stories that tackle important issues.",
    "I just like playing for fun!",
    "Do you think I live in Paris?",
    "Should I say I live in Rome?",
    "If I lived in Berlin, I would be happy.",
    "If I live in Berlin next year, what changes?",
    "I wish I lived in Rome.",
    "Imagine I live in Tokyo.",
    "Let's pretend I live in Tokyo.",
    "Suppose I'm a doctor.",
    "She said I live in a bubble.",
    "He told me, I live in Paris.",
    "My friend says I love olives.",
    '"I live in Paris" is a nice sentence.',
    'He wrote: "I am allergic to nuts."',
    "Translate: I live in Paris.",
    "Translate into French: My name is Ana.",
    'How do you say "I live in Rome" in Italian?',
    "My friend lives in Paris.",
    "My neighbor's dog is named Rex.",
    "My boss loves golf.",
    "My brother's wife Ana is a nurse.",
    "You are a pirate and my name is Jack.",
    "Act as my doctor. I'm allergic to everything.",
    "Write a story about a girl. My name is Alice and I live in Wonderland.",
    "Write me a poem: I love the sea.",
    "I'm a bit tired.",
    "I'm a big fan of yours.",
    "I live in fear of spiders.",
    "I live in a small flat.",
    "I live in the moment.",
    "I work from home.",
    "I work at night.",
    "I work for a living.",
    "I'm from the future.",
    "I love it!",
    "I love you.",
    "I love how you explained this.",
    "I like that idea.",
    "I like your style.",
    "I love my job.",
    "I'd like a pizza.",
    "I would love hiking.",
    "I don't hate mushrooms.",
    "I'm not allergic to cats, am I?",
    "I'm not a doctor.",
    "I'm no expert.",
    "I'm not vegan-curious",
    "I'm Christian.",
    "I'm German.",
    "I'm so hungry",
    "I'm in Paris",
    "I have a question named after Gauss",
    "I have a hot dog",
    "My wife is a nurse",
    "My son is five",
    "My dog is sick",
    "My dog loves walks",
    "My cat Is cute",
    "My birthday was fun",
    "My birthday is soon",
    "I'm going to ask you something tomorrow.",
    "I'm going to try this tonight",
    "I'll let you know tomorrow.",
    "I was vegetarian when I was a kid.",
    "As a kid I lived in Rome.",
    "When I was young I hated olives.",
    "In my dream I live in a castle.",
    "In my novel, I live in Oslo.",
    "Just kidding, I live in Oslo.",
    "Maybe I'm allergic to nuts.",
    "I think my name is pretty.",
    "I might be moving to Berlin next month.",
    "Anna: I live in Berlin.",
    "Anna: Hi! I work at Google.",
    "> I live in Berlin.",
    "```\nI live in Berlin.\n```",
    "`I live in Berlin`",
    "Dear Mr Smith, I live in Berlin and I work at Google.",
    "The sign says I love NY.",
    "I speak for all of us",
    "I speak from experience",
    "I have two questions",
    "I have one problem named X",
    "I prefer this one",
    "I prefer the second option",
    "Someone like me who loves jazz",
    "What if I moved to Rome?",
    "Is it true that I live in Rome, or not?",
    "I live in Paris, right?",
    "I'm a beginner",
    "I'm learning a lot",
    "I'm reading a book by Rex",
    "My name is not important.",
    "I used your idea and I love it",
    "Tell me a joke, my name is Joe",
    'const name = "I live in Rome";',
    "I like to think that it works",
    "People say I'm a software engineer at heart",
    "I live in constant fear",
    "My mother tongue is in my cheek",
    "My favorite is the second one",
    "My favorite color is the one you mentioned",
    "Don't assume I live in Rome.",
    "It's not that I hate olives.",
    "I don't think I live in Rome.",
    "I'm Christian, not religious",
    "This is Sparta",
    "I'm moving on next week",
    "I'm going nuts tomorrow",
    "I'm going to ask you something on Friday",
    "I'm having fun today",
    "My wife Monday morning was angry",
    "My son Will is what he wants",
    "I live in Paris is what he said",
    "I work at being better",
    "I work for free",
    "I hate it when that happens",
    "I hate you",
    "I don't like this",
    "I don't like your tone",
    "I like turtles, said the boy",
    "My brother said I live in Rome",
    "My mother thinks I hate olives",
    "They told me I work at Google",
    "According to the form, I live in Rome",
    "The character says: I am a doctor",
    "I have cats in my backyard script: cat = 1",
    "I'm allergic to work",
    "I'm allergic to mornings",
    "I'm allergic to bullshit",
    "I speak my mind",
    "Would you say I love jazz?",
    "Am I vegetarian?",
    "I'm not sure if I'm lactose intolerant.",
    "Unless I'm vegan, the dish is fine.",
    "We used to say I live in a shoe.",
    "Let's say I work at Google.",
]


@pytest.mark.parametrize(("sentence", "claims"), STATED, ids=[sentence for sentence, _ in STATED])
def test_states(sentence: str, claims: list[tuple[str, str]]) -> None:
    assert [brief(claim) for claim in said(sentence)] == claims


@pytest.mark.parametrize("sentence", SILENT)
def test_states_nothing(sentence: str) -> None:
    assert [brief(claim) for claim in said(sentence)] == []


def test_a_claim_keeps_the_persons_spelling_and_says_where_it_was_made() -> None:
    (claim,) = said("I live in São Paulo.")
    assert (claim.value, claim.message_id, claim.single, claim.ended) == ("São Paulo", "m0", True, False)
    assert claim.triple == ("user", "lives in", "São Paulo")


def test_only_the_persons_own_messages_are_believed() -> None:
    for role in ("assistant", "tool", "system"):
        assert said("I live in Lisbon.", role=role) == []


def test_a_correction_may_come_in_the_next_message() -> None:
    assert [claim.value for claim in said("I live in Berlin.", "Sorry, I meant Potsdam.")] == ["Berlin", "Potsdam"]


def test_a_correction_of_nothing_states_nothing() -> None:
    assert said("Actually it's Potsdam.") == []


def test_a_correction_must_look_like_what_it_corrects() -> None:
    assert [claim.value for claim in said("I live in Berlin. Actually it's cold.")] == ["Berlin"]


def test_curly_apostrophes_are_apostrophes() -> None:
    assert [brief(claim) for claim in said("I’m vegan and I don’t like olives.")] == [
        ("diet", "Is vegan"),
        ("dislikes", "Dislikes olives"),
    ]


def test_what_stands_before_a_pasted_text_is_read_and_the_text_is_not() -> None:
    text = "I'm vegan.\nHere is the article:\nI live in Rome. I work at Google."
    assert [brief(claim) for claim in said(text)] == [("diet", "Is vegan")]


def test_a_value_is_one_short_line() -> None:
    for claim in said("My name is Ana\nMaria\tRosa <b>x</b>\r\nI love " + "very " * 50 + "long walks."):
        assert "\n" not in claim.text + claim.value
        assert len(claim.value) <= 80
