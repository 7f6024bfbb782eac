"""Messages are known again in a resent history, whatever clients do to it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memproxy.dialects.dialect import Said
from memproxy.errors import BadRequest
from memproxy.identity import claimed_id, keyed, newest_user, reply_key, unheld, valid_id
from memproxy.ids import ID


def user(text: str) -> Said:
    return Said("user", text)


def assistant(text: str, *calls: str) -> Said:
    return Said("assistant", text, calls=calls)


def tool(text: str, call: str) -> Said:
    return Said("tool", text, calls=(call,))


TALK = (user("hi"), assistant("hello"), user("I live in Lisbon"), assistant("nice"))


def keys(*messages: Said) -> list[bytes]:
    return [message.key for message in keyed(messages)]


def test_a_system_prompt_that_changes_each_time_changes_no_key():
    assert keys(Said("system", "it is 10:00"), *TALK) == keys(Said("developer", "it is 10:01"), *TALK)


def test_a_history_trimmed_from_the_front_keeps_the_keys_of_what_is_left():
    assert keys(*TALK)[2:] != keys(*TALK[2:]), "the first message lost the pair before it"
    assert keys(*TALK, user("more"))[3:] == keys(*TALK[2:], user("more"))[1:]


def test_two_conversations_that_began_with_the_same_words_part_where_they_differ():
    other = (*TALK[:2], user("I live in Porto"), assistant("nice"))
    assert keys(*TALK)[:2] == keys(*other)[:2]
    assert not set(keys(*TALK)[2:]) & set(keys(*other)[2:])


def test_the_same_words_said_twice_have_two_keys():
    talk = (user("more"), assistant("one"), user("more"), assistant("two"), user("more"))
    assert len(set(keys(*talk))) == 5


def test_whitespace_that_clients_strip_does_not_count():
    assert keys(user("hi"), assistant("hello\n")) == keys(user("hi "), assistant("hello"))


def test_a_reply_has_the_key_under_which_the_client_resends_it():
    assert reply_key(TALK[:3], TALK[3]) == keys(*TALK)[3]


def test_a_reply_of_tool_calls_is_known_by_the_ids_of_its_calls():
    loop = (user("weather?"), assistant("", "call_1"), tool("sunny", "call_1"))
    assert reply_key(loop, assistant("It is sunny")) == keys(*loop, assistant("It is sunny"))[3]
    assert keys(user("weather?"), assistant("", "call_1"))[1] != keys(user("weather?"), assistant("", "call_2"))[1]


def test_only_messages_after_an_exchange_tell_conversations_apart():
    assert [message.follows for message in keyed(TALK)] == [False, True, True, True]


def test_what_follows_the_newest_held_message_is_new():
    messages = keyed((*TALK, user("next")))
    assert [m.said.text for m in unheld(messages, frozenset({messages[1].key}))] == ["I live in Lisbon", "nice", "next"]
    assert [m.said.text for m in unheld(messages, frozenset({messages[3].key}))] == ["next"]


def test_a_history_that_nobody_holds_is_new_as_a_whole():
    assert len(unheld(keyed(TALK), frozenset())) == 4


def test_a_reply_that_the_client_edited_is_not_stored_again():
    messages = keyed((user("hi"), assistant("hello, without the reasoning"), user("next")))
    assert [m.said.text for m in unheld(messages, frozenset({messages[0].key}))] == ["next"]


def test_the_words_being_said_now_count_even_if_they_were_said_before_elsewhere():
    messages = keyed((user("hi"),))
    assert [m.said.text for m in unheld(messages, frozenset({messages[0].key}))] == ["hi"]


def test_tool_results_being_returned_now_count_as_said():
    messages = keyed((user("weather?"), assistant("", "call_1"), tool("sunny", "call_1")))
    held = frozenset({messages[0].key, messages[1].key})
    assert [m.said.text for m in unheld(messages, held)] == ["sunny"]


def test_the_newest_user_message_is_found_inside_a_tool_loop():
    found = newest_user(keyed((user("weather?"), assistant("", "call_1"), tool("sunny", "call_1"))))
    assert found is not None
    assert found.said.text == "weather?"
    assert newest_user(keyed((assistant("hello"),))) is None


@given(st.text())
def test_whatever_a_body_claims_becomes_a_valid_entity(claim: str):
    entity = claimed_id(claim)
    assert entity is None if not claim else ID.fullmatch(entity or "")


def test_a_valid_claim_is_kept_as_it_is_and_others_stay_apart():
    assert claimed_id("alice@example.org") == "alice@example.org"
    assert claimed_id("Zoë") != claimed_id("Zoé")
    assert claimed_id("Zoë") == claimed_id("Zoë")


@pytest.mark.parametrize("bad", ["", "a b", "é", "a" * 129, "a/b", "a\n", "*", "../x%"])
def test_an_invalid_header_id_is_refused_by_name(bad: str):
    with pytest.raises(BadRequest, match="X-Memproxy-Entity") as refused:
        valid_id(bad, source="X-Memproxy-Entity")
    assert refused.value.param == "X-Memproxy-Entity"
