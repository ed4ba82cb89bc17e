import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from minijinja import Environment

from reciprocity.deliver.email.grammar import (
    DEPTH_MAX,
    ELIFS_MAX,
    FILTERS,
    NAMES_MAX,
    SOURCE_MAX,
    STATEMENTS,
    TAGS_MAX,
    TOKENS_MAX,
)
from reciprocity.deliver.email.template import (
    ALWAYS,
    PART_MAX,
    SUBJECT_MAX,
    VALUE_MAX,
    Rendered,
    compile_message,
    names_used,
    render,
)
from reciprocity.errors import InputError

URL = "https://shop.example/u/abc?a=1&b=2"


def made(source, **values):
    return render(compile_message("s", source), values).text


def html(source, **values):
    return render(compile_message("s", "t", source), values).html


def test_a_message_prints_its_values_and_chooses_between_texts():
    message = compile_message(
        "{{ city|title }} for you",
        "{% if newbie %}Hello{% elif visits > 3 %}Back again{% else %}Hi{% endif %}, {{ city }}",
    )
    values = {"city": "turin", "newbie": False, "visits": 7}
    assert render(message, values) == Rendered(subject="Turin for you", text="Back again, turin")
    assert message.names == {"city", "newbie", "visits"}


def test_a_message_is_compiled_once_and_rendered_by_many_threads():
    message = compile_message("{{ n }}", "{{ n }} {{ n }}", "<p>{{ n }}</p>")
    with ThreadPoolExecutor(4) as threads:
        made = list(threads.map(lambda n: render(message, {"n": n}), range(500)))
    assert [one.subject for one in made] == [str(n) for n in range(500)]


@pytest.mark.parametrize(
    ("source", "result"),
    [
        ("{{ city|upper }}{{ city|lower }}{{ ' a '|trim }}", "TURINturina"),
        ("{{ none_yet|default('there', true) }}", "there"),
        ("{{ 'old' if year < 2000 else 'new' }}", "old"),
        ("{% if zone in ('a', 'b') and not newbie %}in{% endif %}", "in"),
        ("{# a word to the next writer: {{ city }} #}x", "x"),
        ("{{- year + 1 -}}  .", "2000."),
        ('{{ "}}" ~ \'{%\' ~ "\\"" }}', '}}{%"'),
        ("a } b }} c %} { {", "a } b }} c %} { {"),
    ],
)
def test_what_a_template_may_say(source, result):
    values = {"city": "Turin", "none_yet": "", "year": 1999, "zone": "b", "newbie": False}
    assert made(source, **values) == result


HOSTILE = {
    "a gigabyte of one letter": "{{ 'a' * 1000000000 }}",
    "a number without end": "{{ 10 ** 1000000 }}",
    "a huge range": "{{ range(100000000000) }}",
    "a loop": "{% for i in 'abc' %}x{% endfor %}",
    "loops in loops": "{% for a in range(9999) %}" * 9 + "x" + "{% endfor %}" * 9,
    "a loop over a filter": "{% for a in 'x'|list %}x{% endfor %}",
    "a text that doubles": "{% set x = 'a' %}" + "{% set x = x ~ x %}" * 60,
    "replace upon replace": "{{ 'a'" + "|replace('a', 'aa')" * 20 + " }}",
    "a wide indent": "{{ 'a\nb'|indent(1000000000) }}",
    "a wide format": "{{ '%01000000000d'|format(1) }}",
    "a centred nothing": "{{ ''|center(1000000000) }}",
    "lipsum": "{{ lipsum(100000) }}",
    "a macro that calls itself": "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
    "a block that calls itself": "{% block a %}{{ self.a() }}{% endblock %}",
    "another template": "{% include '/etc/passwd' %}",
    "another template, imported": "{% import 'x' as y %}",
    "a parent template": "{% extends 'x' %}",
    "all values at once": "{{ debug() }}",
    "python's insides": "{{ ''.__class__.__mro__ }}",
    "python's insides by item": "{{ ''['__class__'] }}",
    "a method": "{{ city.upper() }}",
    "escaping switched off": "{% autoescape false %}{{ city }}{% endautoescape %}",
    "escaping waived": "{{ city|safe }}",
    "tags hidden from the reader": "{% raw %}{{ city }}{% endraw %}",
    "tags hidden, trimmed": "{%- raw -%}{{ city }}{%- endraw -%}",
    "a chain of ands": "{{ " + " and ".join(["city"] * 25_000) + " }}",
    "a chain of minuses": "{{ " + "-" * 30_000 + "1 }}",
    "a chain of pluses": "{{ " + "+".join(["1"] * 30_000) + " }}",
    "a chain of elifs": "{% if city %}" + "{% elif city %}" * 15_000 + "{% endif %}",
    "a chain of filters": "{{ city" + "|upper" * 30_000 + " }}",
    "a heap of parentheses": "{{ " + "(" * 30_000 + "1" + ")" * 30_000 + " }}",
    "ifs in ifs": "{% if city %}" * 500 + "{% endif %}" * 500,
    "a long list": "{{ [1, 2, 3] }}",
    "a dictionary": "{{ {'a': 1} }}",
    "too many tags": "{{ city }}" * (TAGS_MAX + 1),
    "too many names": ("{{ " + "~".join(["city"] * 30) + " }}") * (NAMES_MAX // 30 + 1),
    "too many elifs": "{% if city %}" + "{% elif city %}" * (ELIFS_MAX + 1) + "{% endif %}",
    "a parenthesis over the end": "{{ (city }} 'a' * 1000000000 {{ ) }}",
    "a number too long": "{{ " + "9" * 400 + " }}",
    "a quote that never ends": "{{ 'city }}",
    "a tag that never ends": "{{ city ",
    "a comment that never ends": "{# city ",
    "an if that never ends": "{% if city %}",
    "an end without if": "{% endif %}",
    "an empty tag": "{{ }}",
    "a test": "{{ city is string }}",
    "a letter that only looks like one": "{{ \u0441ity }}",
}


@pytest.mark.parametrize("source", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_template_is_refused_at_once_naming_part_and_line(source):
    start = time.monotonic()
    with pytest.raises(InputError, match=r"^text template, line 2: "):
        compile_message("subject", "first line\n" + source)
    assert time.monotonic() - start < 10


def test_a_template_that_is_too_long_says_so_of_its_first_line():
    with pytest.raises(InputError, match=r"^html template, line 1: 262145 characters; at most"):
        compile_message("s", "t", "x" * (SOURCE_MAX + 1))


@pytest.mark.parametrize("source", HOSTILE.values(), ids=HOSTILE)
def test_names_used_refuses_what_compiling_would_refuse_or_is_harmless(source):
    try:
        names = names_used(source)
    except InputError:
        return
    assert names <= {"city"}


def test_refusing_all_hostile_templates_takes_little_memory():
    program = (
        "import resource, sys\n"
        "from reciprocity.deliver.email.template import compile_message\n"
        "from reciprocity.errors import InputError\n"
        f"hostile = {list(HOSTILE.values())!r}\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "for source in hostile:\n"
        "    try:\n"
        "        compile_message('s', source)\n"
        "    except InputError:\n"
        "        continue\n"
        "    sys.exit('permitted')\n"
        "grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before\n"
        "sys.exit(0 if grown < 60_000 else f'{grown} KB')\n"
    )
    subprocess.run([sys.executable, "-"], input=program, text=True, check=True, timeout=60)


def test_the_largest_template_permitted_renders_in_bounded_time_and_size():
    tags = ("{{ " + "~".join(["x", "x"]) + " }}") * (NAMES_MAX // 2)
    message = compile_message("s", tags, tags)
    start = time.monotonic()
    with pytest.raises(
        InputError, match=f"text template makes 2000000 characters; at most {PART_MAX}"
    ):
        render(message, {"x": "<" * 1_000})
    assert time.monotonic() - start < 10


def test_the_longest_chains_permitted_do_not_end_the_process():
    deep = "{% if x %}" * 100 + "y" + "{% endif %}" * 100
    wide = "{% if x == 1 %}" + "{% elif x == 2 %}" * ELIFS_MAX + "{% else %}z{% endif %}"
    chain = "{{ x" + " and x" * 31 + " }}{{ " + "not " * 60 + "x }}{{ " + "-" * 60 + "1 }}"
    with ThreadPoolExecutor(1) as thread:  # a thread's stack is the smaller one
        assert thread.submit(made, deep + wide + chain, x="a").result() == "yzaTrue1"


def test_a_value_that_was_not_given_is_refused_where_it_is_named():
    with pytest.raises(InputError, match=r"^html template, line 3: a value is named that was not"):
        html("\n\n{{ city }}")


def test_a_name_the_message_may_not_print_is_refused_when_it_is_compiled():
    with pytest.raises(InputError, match=r"^text template, line 2: 'income' is not among"):
        compile_message("{{ brand_name }}", "\n{{ income }}", allowed=ALWAYS | {"city"})
    compile_message("{{ brand_name }}", "{{ city }}", allowed=ALWAYS | {"city"})


def test_a_name_is_found_wherever_it_stands():
    source = (
        "{% if a and not b %}{{ c|default(d) }}{% elif e in (f, 'g') %}{{ h ~ i }}{% else %}"
        "{{ j if k == 'l' else -m }}{% endif %}{# n #}"
    )
    assert names_used(source) == set("abcdefhijkm")
    assert names_used(source) == Environment().undeclared_variables_in_str(source)


@given(st.text(alphabet="{}%#ab\"'\\|~-+()*. \n", max_size=60))
@example("{{ a }}{% if b %}{% endif %}")
def test_what_is_accepted_names_what_the_engine_would_look_up(source):
    try:
        message = compile_message("s", "x" + source)
    except InputError:
        return
    assert message.names >= Environment().undeclared_variables_in_str(source)


@pytest.mark.parametrize("name", sorted(FILTERS))
def test_every_filter_on_the_list_exists(name):
    assert names_used("{{ city|" + name + " }}") == {"city"}
    compile_message("s", "{{ city|" + name + " }}")


def test_errors_never_quote_a_value():
    with pytest.raises(InputError) as wrong:
        made("{{ city + 1 }}", city="Secretville")
    assert "Secretville" not in str(wrong.value)
    assert str(wrong.value) == "text template, line 1: values are combined whose types do not fit"


@pytest.mark.parametrize("value", [None, 1.5, ["a"], {"a": 1}, b"a", object()])
def test_a_value_that_is_no_text_number_or_boolean_is_refused(value):
    with pytest.raises(InputError, match=r"value 'city' is a .*; text, an integer or a boolean"):
        made("{{ city }}", city=value)


def test_a_value_may_be_neither_too_long_nor_half_a_character():
    with pytest.raises(InputError, match=r"value 'city' has 1001 characters; at most 1000"):
        made("{{ city }}", city="x" * 1_001)
    with pytest.raises(InputError, match="half a character"):
        made("{{ city }}", city="é\ud800")


@pytest.mark.parametrize(
    "line_end", ["\r", "\n", "\r\n", "\x00", "\x0b", "\x85", "\u2028", "\u2029"]
)
def test_a_value_cannot_smuggle_a_header_into_the_subject(line_end):
    message = compile_message("Hello {{ city }}!", "t")
    with pytest.raises(InputError, match="subject holds a line break"):
        render(message, {"city": f"x{line_end}Bcc: all@shop.example"})


@pytest.mark.parametrize("subject", ["", " \n", "a\nb"])
def test_a_subject_is_one_line_of_text(subject):
    with pytest.raises(InputError, match=r"^subject template, line 1: a subject is one line"):
        compile_message(subject, "t")


def test_a_subject_that_renders_to_nothing_or_too_much_is_refused():
    with pytest.raises(InputError, match="subject has 0 characters"):
        render(compile_message("{{ city }}", "t"), {"city": "  "})
    with pytest.raises(InputError, match="subject has 251 characters"):
        render(compile_message("{{ city }}", "t"), {"city": "x" * 251})


def test_values_are_escaped_in_html_and_only_there():
    message = compile_message("{{ x }}", "{{ x }}", "<p title='{{ x }}'>{{ x|upper }}</p>")
    made = render(message, {"x": "<b> & 'c'"})
    assert made.subject == made.text == "<b> & 'c'"
    assert made.html == "<p title='&lt;b&gt; &amp; &#x27;c&#x27;'>&lt;B&gt; &amp; &#x27;C&#x27;</p>"


def test_a_value_is_printed_and_never_read_as_a_template():
    assert made("{{ x }}", x="{{ 'a' * 9 }}") == "{{ 'a' * 9 }}"


def test_a_person_can_always_leave_even_if_the_template_forgot():
    message = compile_message(
        "s",
        "Hello\n",
        "<html><body><p>Hello</p></body></html>",
        unsubscribe_label="Abmelden & Ende",
    )
    made = render(message, {"unsubscribe_url": URL})
    assert made.text == f"Hello\n\nAbmelden & Ende: {URL}\n"
    assert made.html == (
        '<html><body><p>Hello</p><p><a href="https://shop.example/u/abc?a=1&amp;b=2">'
        "Abmelden &amp; Ende</a></p>\n</body></html>"
    )


def test_a_link_shown_by_the_template_is_not_shown_twice():
    message = compile_message(
        "s", "Leave: {{ unsubscribe_url }}", '<a href="{{ unsubscribe_url }}">Leave</a>'
    )
    made = render(message, {"unsubscribe_url": URL})
    assert made.text == f"Leave: {URL}"
    assert made.html == '<a href="https://shop.example/u/abc?a=1&amp;b=2">Leave</a>'


def test_a_link_shown_to_some_only_is_added_for_the_others():
    message = compile_message("s", "{% if newbie %}{{ unsubscribe_url }}{% endif %}")
    for newbie in (True, False):
        assert URL in render(message, {"newbie": newbie, "unsubscribe_url": URL}).text


def test_a_message_without_a_link_to_leave_gets_none():
    assert made("Your order has left.") == "Your order has left."
    assert html("<p>Your order has left.</p>") == "<p>Your order has left.</p>"


def test_the_reference_names_every_filter_name_statement_and_limit():
    page = (Path(__file__).parents[3] / "docs/reference/templates.md").read_text(encoding="utf-8")
    filters = page.split("## Filters")[1].split("##")[0]
    assert set(re.findall(r"^\| `(\w+)", filters, re.MULTILINE)) == FILTERS
    assert all(f"| `{name}` |" in page for name in ALWAYS)
    assert all(f"{{% {statement}" in page for statement in STATEMENTS)
    limits = page.split("## Limits")[1]
    stated = {int(number.replace(",", "")) for number in re.findall(r"\| ([\d,]+) \|", limits)}
    assert stated == {
        SOURCE_MAX, TAGS_MAX, TOKENS_MAX, NAMES_MAX, ELIFS_MAX, DEPTH_MAX, VALUE_MAX, SUBJECT_MAX,
        PART_MAX,
    }  # fmt: skip


def test_the_example_of_the_reference_is_accepted():
    page = (Path(__file__).parents[3] / "docs/reference/templates.md").read_text(encoding="utf-8")
    example = page.split("```jinja\n")[1].split("```")[0]
    assert names_used(example) == {"newbie", "city", "reason_line", "unsubscribe_url"}
