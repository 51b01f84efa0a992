"""Requests that nobody would judge in two ways, and what they are."""

from collections.abc import Sequence

from signalbox.tagger.excerpt import Turn
from tests.unit.tagger.texts import said

DISPUTES = [
    "You billed my card two times for one and the same order, give me the second amount back.",
    "I do not recognise the 49.90 on my statement, I never bought anything there.",
    "Someone took 300 dollars out of my account at a cash machine and it wasn't me.",
    "My refund was promised two weeks ago and the money still has not arrived!",
    "There is a mystery fee of £12 on this month's bill and nobody can tell me what it's for.",
    "The cash machine gave me 40 but you deducted 100 from my balance.",
    "I cancelled in March and you keep taking the monthly payment. I want all of it back.",
    "I want to dispute a charge from a shop that I have never visited.",
    "The exchange rate you applied to my purchase abroad is wrong, I was overcharged.",
    "A direct debit that I never authorised went out of my account this morning.",
    "Why have I been charged twice for the same taxi ride?",
    "The merchant never sent the goods and will not refund me, please reverse the payment.",
    "This invoice says 240 but we agreed on 180. Correct it and return the difference.",
]
COMPLIANCE = [
    "Which documents do you need to verify my identity?",
    "Under the GDPR, please erase all personal data that you hold about me.",
    "Send me a copy of all the personal data you store about me.",
    "Why was my account flagged for money laundering checks?",
    "I have to prove where my money comes from. Which source-of-funds documents do you accept?",
    "Can I sue my landlord for keeping my deposit?",
    "What does PSD2 require of us for strong customer authentication?",
    "My passport photo was rejected when I tried to verify who I am.",
    "I took twice my dose of blood pressure tablets. What should I do?",
    "Are we allowed to do business with a company that is on the sanctions list?",
    "How long must we keep KYC records by law?",
    "Is it legal to record calls with customers without telling them?",
    "I smell gas in my kitchen, is it safe to switch on the light?",
]
TRIVIAL = [
    "hi there",
    "thanks, bye!",
    "what's the capital of France?",
    "set an alarm for 7 am",
    "What time is it in Tokyo?",
    "how do I change my password",
    "play some jazz",
    "track my order",
    "What is my account balance?",
    "tell me a joke",
    "how do you say good night in Spanish",
    "when is my bill due?",
    "turn off the kitchen lights",
]
ANYTHING_ELSE = [
    "write a poem about cats",
    "ok, and how do I change my PIN",
    "What's the weather like in Oslo tomorrow?",
    "Great. Which films are on tonight?",
]
EXTENDED = [
    "Build a complete chess engine in Python: move generation, alpha-beta search, evaluation, UCI protocol, unit tests,"
    " and a benchmark. Explain each design decision.",
    "Compare the constitutions of Germany, France and the USA in depth, article by article, with the history of each"
    " and a table of differences, in about 3,000 words.",
    "Design the architecture of a payment system for 10,000 transactions per second: data model, consistency,"
    " failure modes, disaster recovery. Compare three alternatives in detail.",
    "Write a 1,500-word essay on the causes of the First World War, with arguments for and against each thesis.",
    "Five people sit in a row. The doctor is not next to the baker, the pilot sits left of the cook, the teacher is at"
    " an end and the baker sits third. Deduce all possible orders step by step.",
    "Implement Dijkstra's algorithm in C++ with a Fibonacci heap, benchmark it and analyse the results.",
    "Develop a complete business plan for a bakery: market analysis, staffing, three-year financial forecast, risks.",
    "Derive the Black-Scholes equation from first principles and solve it for a European call option.",
    "Refactor this legacy codebase into microservices: list every step, write the migration scripts and the tests.",
    "Find all functions f: R -> R with f(x + y) = f(x) + f(y) that are continuous at one point, with full proof.",
    "Plan a detailed 14-day trip through Japan with a daily schedule, budget table, alternatives for rainy days and"
    " the reasons for each choice.",
    "Write a short story of at least 2,000 words about a lighthouse keeper, with three chapters and a twist.",
]
_TEXT = "The committee met on Tuesday. Anna Weber proposed a budget of 4,000 euros, and Tom Hale objected to it."
WORKLOAD_CASES = {
    "chat": [
        "hello, how are you?",
        "Why is the sky blue?",
        "my card was declined at the supermarket",
        "what should I cook tonight?",
        "I want to cancel my subscription",
        "Tell me about the history of chess.",
    ],
    "classify": [
        "Classify the sentiment of this review as positive, negative or neutral: 'The food was cold.'",
        "Is the following email spam or not spam? 'You have won a free cruise, click here.'",
        "Which category does this ticket belong to: billing, technical or account? 'I cannot log in.'",
        "Label each of these tweets as happy, sad or angry: 1. best day ever 2. leave me alone 3. I miss her",
        "Classify the topic of this headline as sports, politics or business: 'Shares fall after rate rise'",
    ],
    "extract": [
        f"Extract all person names and amounts from this text as JSON: {_TEXT}",
        f"List every date and name that is mentioned in the following text. {_TEXT}",
        "Extract the invoice number, date and total: 'Invoice 4711 of 3 May 2024, total due 129.00 EUR.'",
        "Pull all e-mail addresses out of this message: 'Write to a.b@example.com or sales@example.org by Friday.'",
        "Extract the order id, product and quantity as JSON from: 'Order 889: 3 blue mugs, ship to Leeds.'",
    ],
    "summarize": [
        f"Summarize the following text in one sentence: {_TEXT * 3}",
        f"Give me the key points of this article: {_TEXT * 4}",
        f"Write a summary of this meeting: {_TEXT * 3}",
        f"TL;DR of the following: {_TEXT * 4}",
        f"Summarise this report for a manager in three bullet points: {_TEXT * 3}",
    ],
}
NEITHER = [
    "hello, how are you?",
    "play some jazz",
    "What's the weather like in Oslo tomorrow?",
    "I'd like a large pizza with mushrooms",
    "book me a flight to Madrid",
    "how many ounces are in a pound",
    "how do I reset my password",
    "Write a Python function that reverses a string.",
    "tell me a joke",
    "Which films did Hitchcock make in the 1950s?",
    "when will my parcel arrive?",
    "change the language to German",
]
# The same words after other matters.
DISPUTED = said("I was charged twice for my hotel booking, I want the money back", "Was it card 1234?")
PIZZA = said("I'd like to order a large pizza with mushrooms", "Do you want extra cheese with it?")
FOLLOW_UPS = ["yes", "yes please", "the second one", "that's right", "no", "on Monday"]


def after(turns: Sequence[Turn], text: str) -> list[Turn]:
    return [*turns, Turn(True, text)]
