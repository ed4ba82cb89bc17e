"""Fair choice: what keeps a brand from publishing an opt-in prompt that is not fair.

    asked       what a prompt must tell, and what the register says is owed
    finding     the faults there are, each with its code
    markup      the HTML of a prompt, read strictly: what is unclear is refused
    controls    which controls say yes, which say no, and what is chosen
    choosing    faults of the controls: ticked, bundled, hidden, farther away
    telling     faults of what is told: missing, or claimed and not so
    wording     faults of words: shaming, pressing, twisted, hard to read
    phrases     the words of each language, kept as data in `words/*.toml`
    reading     how hard a text is to read
    prompt      all checks of the text of a page: `check_prompt`
    rendered    checks of the page as a browser shows it: `check_rendered`; `measure.js` measures
    browser     a page opened in Chromium to be checked, without a network
    colour      contrast and difference of colours

A prompt is fair when no check finds anything. What cannot be read, or cannot be told apart, is a
fault: a person could not tell it either.
"""

from reciprocity.collect.fair_choice.asked import Asked, AskedPurpose
from reciprocity.collect.fair_choice.finding import Fault, Finding
from reciprocity.collect.fair_choice.prompt import check_prompt

__all__ = ["Asked", "AskedPurpose", "Fault", "Finding", "check_prompt"]
