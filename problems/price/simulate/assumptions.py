"""The simulator's numbers, each with its source.

`public facts`: published figures of the 1,482,535 training listings of the Mercari Price Suggestion
Challenge (2017). `public rows`: counted in 7,979 of those listings. `assumed`: nobody knows; the
comment says what the number was chosen for. `fitted`: chosen so that the simulated listings have
the public facts.
"""

MARKET_SEED = 20171121  # tail of small brands, styles and fine effects: one market for every seed
BLOCK_ROWS = 100_000  # listings made at a time: bounds memory, not a property of the market

# Categories and brands
CATEGORIES = 1_287  # public facts
BRANDS = 4_809  # public facts
CATEGORY_MISSING = 0.004  # public facts: 0.4 %
BRAND_MISSING_ODDS = 0.92  # fitted: factor on the odds of a category's share; 42.7 % overall
BRAND_ONLY_IN_NAME = 0.17  # assumed: listings without a brand whose name has one
TAIL_CATEGORY_WEIGHT = (0.55, 0.02)  # first and last; fitted: 590 categories in 7,979 rows
SINGLE_CATEGORY_WEIGHT = 0.6  # assumed: a category counted once in a sample is rarer than it looks
TAIL_BRAND_DECAY = 0.85  # assumed: Zipf exponent of the small brands
CONDITION = {  # conditions 1 to 5 by kind of family; public rows
    "beauty": (0.72, 0.14, 0.136, 0.003, 0.001),
    "clothes": (0.335, 0.310, 0.332, 0.021, 0.002),
    "electronics": (0.45, 0.215, 0.290, 0.037, 0.008),
    "children": (0.345, 0.217, 0.408, 0.029, 0.001),
    "things": (0.58, 0.19, 0.212, 0.016, 0.002),
}
NO_DESCRIPTION = 0.058  # 5.8 % of a public sample of 10,000 listings
ID_GAP = 0.2024  # public rows: of the ids up to the last one, the share that is not there

# Shipping: who pays depends on what the thing is worth, and tells a little of the price itself.
SELLER_SHIPS_SHIFT = -0.20  # fitted: 45 % seller
SELLER_SHIPS_SLOPE = (
    -0.9
)  # a log-unit below SELLER_SHIPS_FLAT, none above; fitted to the public rows:
SELLER_SHIPS_FLAT = 3.0  # 59 % below 10 dollars, 36 % at 25, 33 % above 50
SELLER_SHIPS_EFFECT = -0.14  # log-price at 18 dollars; assumed
SELLER_SHIPS_EFFECT_SLOPE = 0.05  # a log-unit of price; postage weighs less on dear things: assumed

# Log-price effects. Spreads of what is drawn once for the market: assumed.
BRAND_TAIL_SD = 0.34  # small brands
BRAND_CATEGORY_SD = 0.13  # a brand's deviation in one second-level category
UNBRANDED = -0.17  # against the mean of a category's listings
STYLE_SD = 0.33  # a style name
STYLE_SHARE = 0.24  # listings that name a style
STYLES = 40  # style names of a family
NOUN_SD = 0.12  # one noun against another of the same category
TAIL_CATEGORY_SD = 0.20
LINE_SHIFT = {"kidswear": -0.55, "collectible": -0.1}  # children's sizes of the same line; assumed
CONDITION_EFFECT = {  # log-price, conditions 1 to 5; assumed: wear matters most where it breaks
    "electronics": (0.14, 0.05, -0.06, -0.30, -0.60),
    "beauty": (0.05, 0.00, -0.12, -0.25, -0.40),
    "clothes": (0.07, 0.02, -0.06, -0.20, -0.35),
    "children": (0.09, 0.03, -0.08, -0.25, -0.35),
    "things": (0.04, 0.01, -0.04, -0.15, -0.30),
}

# What no listing tells: photos, patience, luck. Log-sd of the price given the listing: assumed, so
# that a perfect model has an RMSLE of 0.42 to 0.45. (The best models of the full data reach 0.37 to
# 0.40; with how much left to learn is unknown.)
NOISE = {
    "jewelry": 0.57,
    "collectible": 0.58,
    "handmade": 0.54,
    "media": 0.47,
    "toys": 0.49,
    "supplies": 0.56,
    "makeup": 0.43,
    "skin": 0.46,
    "fragrance": 0.43,
    "phone": 0.49,
    "device": 0.55,
    "sport": 0.49,
    "bags": 0.49,
    "accessory": 0.49,
}
NOISE_OTHER = 0.455  # families not named above
NOISE_NO_DESCRIPTION = 1.25  # factor; assumed
NOISE_LINE = 0.88  # factor where a line is named; assumed
NOISE_STEPS = 16  # levels between the smallest and the largest log-sd

# From log-value to log-price: a line with a bend. Fees and trouble keep cheap things from getting
# cheaper, so that it is flatter below.
CENTRE = 2.95  # log-value at the bend; log1p(18 dollars)
LEVEL = 2.762  # log-price there; fitted: median 17
SLOPE_BELOW = 0.66  # fitted: lower quartile 10
SLOPE_ABOVE = 0.785  # fitted: upper quartile 29, mean 26.74, sd 38.59

# Prices as sellers write them: whole dollars, near what they have in mind.
PRICE_LOWEST = 3  # dollars; public facts
PRICE_HIGHEST = 2_009  # dollars; public facts
CHEAP_MARKUP = (
    2.5  # dollars that a seller adds to what is worth nothing, against fees; fitted to the
)
CHEAP_FADE = 6.0  # lowest tenth of the public rows (8 dollars); dollars over which it fades by e
HALF_DOLLAR = 0.0002  # public rows: 1 of 7,979 prices has cents
PRICE_ZERO = 874 / 1_482_535  # public facts: a fault of the site, whatever the thing
# How sellers like last digits 0 to 9, by band: near the public rows; below 10 dollars fitted.
CHARM_BANDS = (10, 30, 60, 2_100)  # dollars, upper ends
CHARM_DIGITS = (
    (1.0, 1.0, 1.0, 1.8, 0.85, 0.85, 0.75, 0.85, 1.25, 1.35),
    (1.86, 0.88, 1.35, 0.61, 1.38, 1.10, 1.16, 0.34, 0.64, 0.69),
    (2.22, 1.33, 0.68, 0.41, 1.24, 1.14, 1.49, 0.17, 0.33, 0.99),
    (2.30, 1.35, 0.20, 0.08, 1.20, 1.30, 2.10, 0.10, 0.28, 1.10),
)
CHARM_REACH = 0.06  # of the price: how far a seller moves to a nicer number; at least a dollar
