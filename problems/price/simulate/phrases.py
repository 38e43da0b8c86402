"""Words that carry no price: openings, chatter, what things are called, letters of small brands.

Sentences are the project's own, in the manner of sellers. Openings are followed by the noun of
the listing's category.
"""

NO_DESCRIPTION = "No description yet"  # what the site writes where a seller writes nothing

OPENINGS = """
Cute / Super cute / Beautiful / Gorgeous / Adorable / Very nice / Pretty / Comfy / Lovely
Perfect / Amazing / Selling this / Selling my / This is a great / Here is a / Up for sale is a
I have a / Really nice / Great / Awesome / Stunning / Fun / My daughter's / My old / Simple
Trendy / Classic / Nice everyday / Listing is for a / Description: / Hi! This is a
Hello, I have a / Offering a / So pretty! A / One
"""

# One sentence a line; an indented line goes on.
CHATTER = """
Please look at all pictures
Message me with any questions
Thanks for looking!
Smoke free home
Smoke and pet free home.
From a clean, pet friendly home
Ships next day
I ship within 24 hours
Ships same or next business day
Will ship in a poly mailer unless you ask for a box
Check out my other listings
Check my page for more and save on shipping
I have lots of other things listed, have a look
Feel free to ask questions
Ask before you buy please
No returns
All sales final
Please read my profile before buying
Rate as soon as it arrives please
Tracking will be added the next morning
Carefully wrapped and packaged
Bought it and never got around to it
It just sits in my closet
Doesn't fit me anymore
Too small for me now, sadly
Cleaning out my closet
We are moving and it needs a new home
My kids outgrew it
Got it as a gift, not my style
I have two so I am letting one go
It looks even better in person
The photos do not do it justice
Color may look a bit different on your screen
Lighting makes it look darker than it is
Perfect for summer
Perfect for fall and winter
Great for back to school
Would make a great gift!
Great stocking stuffer
So soft and comfortable
Very comfortable, true to its size
Runs a little small
Runs big
Fits nicely and has some stretch
Machine wash cold, hang to dry
Goes with everything
You will love it
I love this so much but I need the space
My favorite for the last year
Hard to part with
Any questions just ask 😊
Happy shopping! 💕
Thank you 💗
✨ see my other items ✨
❤️ follow me for new items every week
⭐ fast shipper ⭐
**please read**
~ ask me about other colors ~
Tell me if you need measurements
Measurements on request
About 12" x 9" laid flat
It measures 7" by 5"
Inseam is about 28"
Roughly 41" around
It has the "lived in" look
The tag says "made in Italy"
They call this shade "midnight"
Listed as "other" because I could not find the right one
My sister said it was "so me" but it isn't
Sold "as pictured"
Please do not ask for the "lowest"
Très chic and easy to wear
Great for a café date
Piñata party leftover
Décor for any room
Not responsible for the post office
I will answer as fast as I can
I do not hold items
First come first served
Sorry, no holds
Don't be shy, make me yours
Bundle with my other listings to save on postage
Ask me to combine before you pay
Can be combined with anything else in my shop
I can send more pictures if you like
More pictures available on request
What you see is what you get
Stored in a dry closet
Kept in a drawer since I bought it
Washed before shipping
Never had a problem with it
Been sitting in the garage for a while
From last season
From this season
Purchased last year
Purchased online, never needed it
I bought the wrong one
Wrong size and too late to send back
Wish I could keep it
It was a birthday present
Worked for me, I just upgraded
Everything you see in the first picture
Everything shown is what you will receive
The one in the second photo is for reference only
Pictures 3 and 4 show the details
Zoom in on the pictures to see the details
I try to describe everything as well as I can, but please look closely at the photos before you
    decide
I am new here but have sold for years elsewhere, so you can buy with confidence and ask me anything
    you want
If something is wrong with your order please contact me before rating so that I can make it right
    for you
Orders placed before noon go out the same day, everything else the next morning except on Sundays
    and holidays
Everything is inspected before it leaves the house, and I pack each order with care so it reaches
    you safely
I sell a lot of different things, so take a minute to look around my shop, you may find something
    else you like
I normally wear another size in this and it fit me well with a bit of room, but everybody is
    different so please check
This was a present from a relative who always guesses wrong, it has been in the drawer ever since
    and deserves better
Please allow one to two business days for handling as I have a full time job and can only go to the
    post office then
I have way too many of these and my husband says that some of them have to go before any new ones
    come in this house
Follow my shop for updates because I add new things every weekend and they tend to go fast once they
    are listed here
I am happy to send it with a signature on delivery if that makes you feel better, it costs a little
    more and takes a day longer, just tell me before you pay and I will change the listing
Before you leave a rating that is not five stars please write to me, things can get lost or bent on
    the way and I always try to find a solution that both of us can live with
Every item in my closet is my own or my family's, I do not buy to sell, so there is one of each and
    when it is gone it is gone, please do not ask me for other sizes or colors
A note on shipping: I drop everything off at the counter myself, I keep the slip until it has
    arrived, and if the tracking does not move for three days please let me know right away
I have tried to show every angle in the pictures but my phone is not the best, so if you would like
    to see a certain spot more closely tell me which and I will take another one tonight
We have two cats that are not allowed in the room where I keep the things that I sell, and
    everything is washed or wiped before it is packed, but if you are very sensitive keep it in mind
Ask for a custom listing if you want more than one thing, I am happy to put them together so you
    only pay postage once
"""

TAG_LEADS = "Tags: / tags / #/ Similar to / Other brands: / Like / I also have / search:"

# Nouns by words of a category path; the first entry that fits is used, else the third level's name.
NOUNS = """
T-Shirts = tee, t shirt, shirt, top; Blouse = blouse, top, shirt; Tank = tank top, cami, top
Leggings = leggings, yoga pants, tights; Pants = pants, trousers; Shorts = shorts;
Sports Bra = sports bra
Bras = bra, bralette; Panties = panties, underwear; Thong = thong; Necklaces = necklace, pendant
Bracelets = bracelet, bangle; Rings = ring; Earrings = earrings; Boots = boots, booties;
Sandals = sandals
Pumps = heels, pumps; Flats = flats; Athletic Apparel/Jack = track jacket, zip up;
Athletic = sneakers, shoes
Sneakers = sneakers, shoes; Wallets = wallet; Sunglasses = sunglasses, shades; Watches = watch
Hair Acc = hair clip, headband, bow; Hats = hat, cap; Scarves = scarf; Belts = belt;
Shoulder = purse, bag, shoulder bag
Totes = tote, bag; Messenger = crossbody, bag, purse; Cosmetic Bags = makeup bag, pouch;
Backpack = backpack
Satchel = satchel, bag; Hobo = hobo bag; Dresses = dress; Above Knee = dress, mini dress;
Knee-Length = dress, midi dress
Full-Length = maxi dress, gown; Cardigan = cardigan; Hooded = hoodie, sweatshirt;
Sweaters = sweater, pullover
Two-Piece = bikini, swimsuit; One-Piece = bodysuit, romper; Swimwear = swimsuit;
Jeans = jeans, denim; Skirts = skirt
Coats = jacket, coat; Face = foundation, powder, concealer, cream; Lips = lipstick, lip gloss;
Eyes = eyeshadow, mascara, eyeliner
Palettes = palette, eyeshadow palette; Nails = nail polish; Makeup Sets = makeup set;
Brushes = brushes, brush
Fragrance = perfume, body spray, fragrance; Body = lotion, body butter;
Bath = bath bomb, soap, shower gel; Shampoo = shampoo
Candles = candle; Smartphones = phone, smartphone; Cases = case, phone case, cover;
Screen Pro = screen protector
Cables = charging cable, cord; Chargers = charger; Headsets = headset;
Headphones = headphones, earbuds; Games = game, video game
Consoles = console, system; DVD = dvd, movie; Blu-Ray = blu ray; CD = cd, album; VHS = vhs tape;
iPad = tablet; Laptops = laptop
Digital Cameras = camera; Portable Audio = speaker, bluetooth speaker; Dolls = doll, dolls;
Action Figure = figure, action figure
Stuffed = plush, stuffed animal; Arts & Crafts = slime, craft kit; Building = blocks;
Trading Cards = cards, card; Shoes = shoes
Top & T = tee, shirt; Tops = top, shirt; Bottoms = pants, shorts; Coffee = mug, coffee mug;
Home Fragrance = candle, wax melts
Dining = plates, dishes; Bedding = blanket, sheets; Books = book; Sticker = stickers, decal;
Figurine = figurine; Mug = mug
Shipping Supplies = mailers, envelopes; School Supplies = pens, notebook; Vitamins = vitamins;
Personal Care = razor, toothbrush
"""

# Letters of generated brand and style names: start, middle, end.
SYLLABLES = (
    "al am bel bri cal cor dan del el em fa flo ga gre ha hol is jo ka kin la li lu ma mar mi "
    "mo na ni no ol pa per qui ra ro sa sei sha sol ta ti tor va vel vi wel wil ya zan ze bo ce "
    "di fe gi su ru né",
    "la ri na do ve li mo ta ni se ro ma ca lo de va mi so te ra go li pa sa",
    "ne sa ra lle tta x n ria ly ton ston way da co vo bel ny que ria lia nt rd sse na mi is os é",
)
SUFFIXES = (
    " / / / / / Co. / Studio / & Co / Kids / Home / Beauty / Designs / Apparel / USA / Paris / "
    "Collection / Sport"
)
