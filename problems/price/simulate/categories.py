"""The categories: three levels, how common they are and what a plain listing costs there.

One head line per second level, then its third levels:

    first / second | family | log1p(dollars) of a plain item | brand missing | seller pays shipping
        third[@family]=weight,log-price offset; ...

Names are Mercari's own. Weights, shares and mean log-prices are rounded counts and shrunken means
of 7,979 public listings of 2017; the families, which decide what words say of a price, are assumed.
"""

TABLE = """
Beauty / Makeup | makeup | 2.76 | 0.38 | 0.69
    Face=212,+0.03; Lips=178,+0.01; Eyes=147,-0.19; Makeup Palettes=96,+0.33; Nails=35,-0.29;
    Makeup Sets=29,+0.12; Brushes & Applicators=16,-0.25; Body=4,-0.04; Makeup Remover=3,-0.03
Beauty / Skin Care | skin | 2.80 | 0.53 | 0.60
    Face=82,+0.06; Body=61,-0.01; Eyes=4,+0.01; Hands & Nails=3,-0.12; Lips=3,-0.08;
    Feet=2,-0.13; Sun=2,+0.00; Other=1,-0.02; Sets & Kits=1,-0.04
Beauty / Fragrance | fragrance | 2.97 | 0.40 | 0.47
    Women=108,+0.00; Candles & Home Scents=18,-0.07; Men=7,+0.11; Sets=3,-0.01; Kids=1,-0.02
Beauty / Tools & Accessories | makeup | 2.73 | 0.63 | 0.60
    Makeup Brushes & Tools=43,-0.19; Hair Styling Tools=25,+0.25; Mirrors=2,+0.20;
    Nail Tools=2,-0.15; Waxing=2,+0.04; Bags & Cases=1,+0.02; Tweezers=1,-0.07
Beauty / Bath & Body | skin | 2.96 | 0.51 | 0.55
    Bath=40,-0.05; Scrubs & Body Treatments=5,+0.08; Sets=4,+0.06; Cleansers=3,-0.05; Bathing
    Accessories=1,+0.06; Other=1,+0.02
Beauty / Hair Care | skin | 2.88 | 0.72 | 0.40
    Styling Products=9,+0.04; Hair & Scalp Treatments=8,+0.04; Shampoo & Conditioner
    Sets=5,-0.01; Styling Tools=4,+0.02; Conditioners=3,-0.01; Hair Color=3,-0.11;
    Shampoos=1,-0.02
Beauty / Other | skin | 2.77 | 0.53 | 0.40
    Other=3,-0.04
Electronics / Cell Phones & Accessories | case | 2.83 | 0.62 | 0.69
    Cases, Covers & Skins=132,-0.25; Cell Phones & Smartphones@phone=50,+1.12; Cell Phone
    Accessories=48,-0.19; Cables & Adapters=22,-0.36; Headsets=15,+0.24; Screen
    Protectors=14,-0.39; Chargers & Cradles=11,-0.27; Batteries=2,-0.00
Electronics / Video Games & Consoles | game | 3.13 | 0.24 | 0.52
    Games=120,-0.18; Consoles=29,+0.64; Accessories=20,+0.00; Video Gaming Merchandise=6,-0.05;
    Other=1,-0.02
Electronics / Media | media | 2.75 | 0.96 | 0.51
    DVD=28,-0.02; Blu-Ray=10,+0.00; CD=10,-0.12; Other=4,+0.13; VHS=2,+0.04
Electronics / TV, Audio & Surveillance | device | 3.45 | 0.41 | 0.51
    Headphones=25,+0.04; Portable Audio & Accessories=17,-0.03; Gadgets=7,+0.08;
    Televisions=2,-0.05; DVD & Blu-ray Players=1,-0.00
Electronics / Computers & Tablets | device | 3.59 | 0.43 | 0.46
    iPad/Tablet/eBook Readers=10,-0.14; Laptops & Netbooks=8,+0.53; Components & Parts=7,-0.12;
    iPad/Tablet/eBook Access=5,-0.05; Drives, Storage & Media=4,-0.16; Networking &
    Connectivity=2,-0.04; Desktops & All-In-Ones=1,+0.08
Electronics / Cameras & Photography | device | 3.66 | 0.47 | 0.38
    Digital Cameras=7,+0.33; Camera & Photo Accessories=6,-0.05; Film Photography=4,-0.02;
    Camcorders=1,-0.08; Tripods & Supports=1,-0.13
Electronics / Other | device | 3.44 | 0.71 | 0.47
    Other=4,+0.11
Electronics / Car Audio, Video & GPS | device | 2.97 | 0.34 | 0.56
    GPS Units & Equipment=1,+0.01
Handmade / Paper Goods | handmade | 2.28 | 1.00 | 0.78
    Sticker=16,-0.24; Scrapbooking=6,+0.28; Stationery=4,-0.07; Cards=2,+0.06
Handmade / Clothing | handmade | 2.85 | 1.00 | 0.45
    Lingerie=14,-0.08; Costume=12,+0.08; Corset=1,-0.03
Handmade / Accessories | handmade | 2.51 | 1.00 | 0.66
    Lanyard=6,+0.01; Hair=5,+0.03; Charm=4,-0.11; Keychain=3,+0.14; Patch=3,-0.21;
    Apron=1,-0.03; Gloves=1,+0.01; Leg Warmers=1,+0.10; Pin=1,+0.01; Pinback Button=1,-0.03
Handmade / Bags and Purses | handmade | 3.13 | 1.00 | 0.42
    Purse=5,+0.05; Wristlet=5,+0.10; Tote=2,-0.14
Handmade / Jewelry | handmade | 2.38 | 1.00 | 0.73
    Jewelry=7,-0.04; Books and Zines=1,-0.09
Handmade / Children | handmade | 3.05 | 1.00 | 0.42
    Baby=4,+0.07; Toy=1,-0.06
Handmade / Glass | handmade | 3.08 | 1.00 | 0.23
    Bottles=3,-0.04; Glassware=1,+0.09
Handmade / Housewares | handmade | 2.88 | 1.00 | 0.47
    Home Decor=1,+0.08; Kitchen=1,-0.04; Other=1,-0.03; Wall Decor=1,-0.03
Handmade / Music | handmade | 3.12 | 1.00 | 0.47
    Vinyl=4,+0.04
Handmade / Toys | handmade | 2.70 | 1.00 | 0.40
    Food=2,-0.07; Other=1,+0.01
Handmade / Art | handmade | 3.15 | 1.00 | 0.40
    Drawings=1,-0.01; Painting=1,+0.01; Sculptures=1,+0.05
Handmade / Pets | handmade | 3.06 | 1.00 | 0.26
    Collar=2,+0.11; Leash=1,-0.09
Handmade / Other | handmade | 3.05 | 1.00 | 0.47
    Other=2,+0.03
Handmade / Needlecraft | handmade | 3.02 | 1.00 | 0.47
    Embroidery=1,+0.08; Supplies=1,-0.06
Handmade / Geekery | handmade | 2.70 | 1.00 | 0.56
    Science=1,-0.07
Handmade / Books and Zines | handmade | 2.56 | 1.00 | 0.56
    Bookmark=1,-0.11
Handmade / Crochet | handmade | 3.40 | 1.00 | 0.36
    Supplies=1,+0.12
Handmade / Holidays | handmade | 2.70 | 1.00 | 0.56
    Other=1,-0.07
Handmade / Dolls and Miniatures | handmade | 2.81 | 1.00 | 0.56
    Scale Dollhouse Miniature=1,-0.04
Handmade / Weddings | handmade | 2.73 | 1.00 | 0.56
    Cake Toppers=1,-0.06
Handmade / Others | handmade | 2.91 | 1.00 | 0.56
    Magic=1,-0.01
Home / Home Décor | home | 2.95 | 0.68 | 0.34
    Home Décor Accents=64,-0.03; Home Fragrance=26,+0.15; Candles & Holders=13,+0.00;
    Tapestries=7,-0.04; Baskets=4,-0.02; Photo Albums & Frames=4,-0.13; Decorative
    Pillows=3,-0.03; Lamps& Accessories=3,+0.01; Clocks=2,-0.03; Other=2,-0.04; Window
    Treatments=2,+0.01; Area Rugs & Pads=1,+0.02; Vases=1,-0.03
Home / Kitchen & Dining | home | 3.10 | 0.39 | 0.18
    Coffee & Tea Accessories=53,+0.09; Dining & Entertaining=24,+0.15; Kitchen Utensils &
    Gadgets=11,-0.20; Bakeware=7,-0.01; Storage & Organization=5,-0.15; Wine
    Accessories=4,-0.26; Kitchen & Table Linens=3,+0.11; Cookware=2,-0.04; Small
    Appliances=2,+0.04; Food Service Equipment & Supplies=1,-0.02; Other=1,-0.09; Water Coolers
    & Filters=1,-0.04
Home / Seasonal Décor | home | 2.87 | 0.72 | 0.43
    Christmas=11,-0.04; Halloween=7,+0.07; Thanksgiving=3,+0.11; Easter=2,-0.11;
    Valentine=2,-0.08; St Patrick's=1,+0.01
Home / Bedding | home | 3.12 | 0.75 | 0.35
    Blankets & Throws=7,+0.01; Sheets & Pillowcases=6,-0.13; Comforters & Sets=4,+0.12; Duvet
    Covers & Sets=2,-0.04; Bed Pillows=1,+0.07; Quilts=1,+0.04
Home / Storage & Organization | home | 2.83 | 0.84 | 0.34
    Clothing & Closet Storage=6,+0.03; Jewelry Boxes & Organizers=6,+0.03; Baskets &
    Bins=1,+0.02; Bathroom Storage & Organization=1,-0.05; Laundry Storage &
    Organization=1,-0.07; Other=1,-0.03
Home / Home Appliances | home | 3.30 | 0.51 | 0.28
    Kitchen Appliances=5,-0.08; Vacuums & Floor Care=3,+0.29; Humidifiers=2,+0.00; Garment
    Steamers=1,-0.01; Space Heaters=1,-0.08; Wine, Beer & Beverage Coolers=1,-0.04
Home / Bath | home | 2.88 | 0.58 | 0.45
    Bathroom Accessories=10,-0.01; Bath Rugs=1,-0.01
Home / Cleaning Supplies | home | 3.13 | 0.59 | 0.29
    Household Cleaners=5,-0.05; Air Fresheners=3,-0.06; Sweeping=1,+0.18
Home / Artwork | home | 2.56 | 0.67 | 0.54
    Drawings=1,-0.01; Paintings=1,-0.01; Posters & Prints=1,-0.09
Home / Other | home | 2.74 | 0.62 | 0.63
    Other=2,-0.05
Home / Kids' Home Store | home | 3.02 | 0.62 | 0.30
    Kids' Bedding=1,+0.08; Kids' Room Décor=1,-0.06
Home / Furniture | home | 2.87 | 0.54 | 0.36
    Home Office Furniture=1,-0.02
Kids / Toys | toys | 2.80 | 0.44 | 0.44
    Dolls & Accessories=78,+0.18; Action Figures & Statues=56,+0.24; Arts & Crafts=33,-0.34;
    Stuffed Animals & Plush=29,-0.29; Games=24,-0.31; Hobbies=19,-0.06; Building Toys=11,+0.12;
    Learning & Education=10,-0.14; Baby & Toddler Toys=8,-0.01; Electronics for Kids=7,+0.32;
    Party Supplies=4,-0.00; Kids' Furniture, Décor & Storage=3,+0.06; Toy Remote Control & Play
    Vehicles=3,-0.09; Dress Up & Pretend Play=2,-0.01; Other=2,+0.22; Puzzles=2,-0.08; Sports &
    Outdoor Play=2,-0.10; Tricycles, Scooters & Wagons=1,+0.12
Kids / Girls 2T-5T | kidswear | 2.78 | 0.55 | 0.43
    Shoes=47,+0.09; Tops & T-Shirts=21,-0.09; Dresses=17,-0.15; Bottoms=11,+0.16; Coats &
    Jackets=6,+0.15; Other=6,-0.15; One-Pieces=3,-0.04; Accessories=2,-0.13
Kids / Girls 0-24 Mos | kidswear | 2.59 | 0.56 | 0.43
    One-Pieces=32,+0.03; Shoes=23,-0.00; Dresses=13,-0.02; Tops & T-Shirts=8,-0.03;
    Accessories=7,-0.13; Bottoms=4,+0.04; Coats & Jackets=4,+0.05; Other=3,-0.07;
    Swimwear=3,+0.06
Kids / Boys 0-24 Mos | kidswear | 2.69 | 0.51 | 0.45
    One-Pieces=38,-0.14; Shoes=24,+0.20; Tops & T-Shirts=15,+0.04; Bottoms=6,-0.02;
    Accessories=3,-0.05; Coats & Jackets=3,+0.04; Other=2,-0.05; Swimwear=2,-0.07
Kids / Boys 2T-5T | kidswear | 2.88 | 0.48 | 0.30
    Shoes=44,+0.09; Tops & T-Shirts=16,-0.12; Bottoms=10,-0.06; Other=5,-0.05; Coats &
    Jackets=2,+0.02; One-Pieces=2,+0.07; Swimwear=1,-0.07
Kids / Boys (4+) | kidswear | 3.02 | 0.37 | 0.29
    Shoes=33,+0.35; Top & T-shirts=21,-0.34; Bottoms=13,-0.11; Coats & Jackets=9,-0.08;
    Other=1,-0.03
Kids / Girls (4+) | kidswear | 2.79 | 0.67 | 0.42
    Tops & T-Shirts=17,-0.07; Dresses=11,-0.14; Shoes=10,+0.18; Accessories=9,-0.07; Coats &
    Jackets=9,+0.17; Jeans=9,+0.03; Other=8,-0.11; Swimwear=2,+0.02
Kids / Feeding | gear | 2.64 | 0.28 | 0.49
    Bottle-Feeding=13,-0.08; Breastfeeding=4,+0.16; Pacifiers & Accessories=3,-0.09; Storage &
    Containers=2,-0.06; Highchairs & Booster Seats=1,+0.07; Other=1,-0.01
Kids / Diapering | gear | 2.97 | 0.47 | 0.47
    Diaper Bags=9,+0.10; Cloth Diapers=6,-0.03; Wipes & Holders=3,-0.11; Disposable
    Diapers=2,+0.00; Changing Pads & Covers=1,-0.00; Diaper Pails & Refills=1,+0.01;
    Other=1,-0.02
Kids / Gear | gear | 3.23 | 0.49 | 0.45
    Backpacks & Carriers=12,-0.07; Baby Gyms & Playmats=2,+0.11; Walkers=2,+0.05; Baby
    Seats=1,+0.00; Playards=1,+0.09; Swings, Jumpers & Bouncers=1,-0.04; Travel Beds=1,-0.00
Kids / Nursery | gear | 2.84 | 0.48 | 0.48
    Bedding=8,-0.02
Kids / Car Seats & Accessories | gear | 2.64 | 0.52 | 0.42
    Accessories=3,-0.04; Car Seats=2,-0.03
Kids / Strollers | gear | 3.29 | 0.25 | 0.26
    Accessories=3,+0.08
Kids / Health & Baby Care | gear | 2.95 | 0.45 | 0.47
    Other=1,+0.02; Teething Relief=1,-0.02
Kids / Other | gear | 2.93 | 0.62 | 0.47
    Other=2,-0.01
Kids / Bathing & Skin Care | gear | 2.85 | 0.45 | 0.30
    Skin Care=1,-0.03; Soaps & Cleansers=1,-0.00
Kids / Safety | gear | 3.08 | 0.54 | 0.36
    Monitors=1,+0.04
Kids / Pregnancy & Maternity | gear | 2.81 | 0.54 | 0.56
    Family Planning Tests=1,-0.04
Men / Tops | menswear | 2.78 | 0.30 | 0.37
    T-shirts=100,-0.08; Polo, Rugby=14,+0.12; Button-Front=13,+0.24; Other=3,+0.13;
    Tank=3,-0.15; Dress Shirts=2,+0.05; Henley=1,-0.03
Men / Shoes | mens_shoes | 3.83 | 0.06 | 0.23
    Athletic=82,+0.14; Fashion Sneakers=28,-0.16; Boots=12,+0.02; Loafers & Slip-Ons=4,-0.18;
    Sandals=4,-0.21; Oxfords=1,+0.01; Work & Safety=1,+0.04
Men / Men's Accessories | accessory | 3.10 | 0.45 | 0.43
    Hats=33,-0.22; Watches=20,+0.13; Other=8,-0.16; Sunglasses=8,+0.27; Ties=7,+0.03;
    Wallets=7,+0.19; Backpacks, Bags & Briefcases=5,-0.19; Belts=5,+0.23
Men / Athletic Apparel | menswear | 2.89 | 0.21 | 0.42
    Jerseys=17,+0.18; Shirts & Tops=8,-0.10; Socks=8,-0.15; Shorts=7,-0.00; Jackets=4,+0.03;
    Other=1,-0.10; Pants=1,+0.01
Men / Sweats & Hoodies | menswear | 3.07 | 0.21 | 0.22
    Sweatshirt, Pullover=20,+0.02; Hoodie=16,+0.12; Track & Sweat Pants=9,-0.15; Other=1,-0.06
Men / Coats & Jackets | menswear | 3.48 | 0.17 | 0.31
    Windbreaker=7,-0.07; Fleece Jacket=3,+0.09; Motorcycle=2,-0.01; Vest=2,-0.02; Jean
    Jacket=1,-0.00; Parka=1,+0.15; Peacoat=1,-0.01; Rainwear=1,+0.03
Men / Jeans | menswear | 3.03 | 0.19 | 0.24
    Classic, Straight Leg=6,+0.03; Slim, Skinny=4,-0.06; Boot Cut=3,+0.10; Relaxed=2,-0.01;
    Other=1,-0.07
Men / Shorts | menswear | 2.60 | 0.21 | 0.29
    Casual Shorts=5,-0.03; Cargo=2,+0.02; Athletic=1,-0.04; Other=1,-0.05
Men / Sweaters | menswear | 3.04 | 0.21 | 0.22
    Crewneck=7,+0.04; Other=2,-0.03
Men / Other | menswear | 2.91 | 0.64 | 0.31
    Other=5,-0.01
Men / Pants | menswear | 2.92 | 0.39 | 0.40
    Casual Pants=1,-0.04; Dress - Flat Front=1,+0.01; Khakis, Chinos=1,+0.03
Men / Suits | menswear | 3.11 | 0.34 | 0.56
    Two Button=1,+0.04
Men / Swimwear | menswear | 2.76 | 0.34 | 0.56
    Swim Trunks=1,-0.05
Other / Daily & Travel items | supplies | 2.77 | 0.62 | 0.59
    Personal Care=50,-0.17; Health Care=13,+0.09; Sports Nutrition=8,+0.24; Medical Supplies &
    Equipment=5,+0.15; Household Supplies=2,+0.06; Stationery & Party Supplies=1,-0.01
Other / Office supplies | supplies | 2.56 | 0.87 | 0.70
    Shipping Supplies=41,-0.19; School Supplies=9,-0.02; Writing=7,-0.07; Electronics=4,+0.38;
    Organization=4,+0.12; Calendars=3,+0.03; Ink & Toner=3,+0.28; Basic Supplies=1,-0.11;
    Other=1,+0.01
Other / Books | media | 2.59 | 0.96 | 0.44
    Literature & Fiction=22,-0.11; Education & Teaching=9,+0.11; Children's Books=8,-0.06;
    Other=5,-0.10; Medical Books=3,+0.20; Arts & Photography=2,-0.05; Business & Money=2,+0.03;
    Reference=2,-0.04; Biographies & Memoirs=1,+0.08
Other / Other | supplies | 3.08 | 0.95 | 0.48
    Other=44,+0.01
Other / Pet Supplies | supplies | 2.70 | 0.69 | 0.47
    Others=12,-0.02; Dogs=11,-0.02
Other / Automotive | supplies | 2.63 | 0.75 | 0.58
    Car Electronics & Accessories=4,-0.04; Exterior Accessories=3,-0.09; Interior
    Accessories=3,-0.02; Tools & Equipment=2,+0.15; Lights & Lighting Accessories=1,-0.06
Other / Musical instruments | supplies | 3.08 | 0.75 | 0.64
    Instrument Accessories=3,-0.05; Guitars=1,-0.04; Wind & Woodwind Instruments=1,+0.14
Other / Magazines | media | 2.67 | 0.62 | 0.30
    Lifestyle & Cultures=2,-0.07
Sports & Outdoors / Exercise | sport | 3.22 | 0.58 | 0.50
    Fitness accessories=23,-0.13; Fitness technology=11,+0.38; Dance/Ballet=3,-0.07; Yoga &
    Pilates=3,-0.12; Athletic Training=2,-0.04
Sports & Outdoors / Fan Shop | sport | 2.82 | 0.80 | 0.43
    NFL=18,-0.03; MLB=7,+0.03; NCAA=6,-0.04; NBA=1,+0.06; NHL=1,+0.00
Sports & Outdoors / Apparel | sport | 2.83 | 0.38 | 0.56
    Boys=9,+0.05; Accessories=6,-0.05; Girls=3,-0.07; Men=1,+0.04
Sports & Outdoors / Team Sports | sport | 2.97 | 0.34 | 0.40
    Soccer=4,-0.00; Baseball & Softball=2,-0.02; Football=2,-0.04; All Other Sports=1,+0.07;
    Basketball=1,-0.04; Hockey=1,+0.04; Tennis & Racquets=1,+0.10; Volleyball=1,-0.08
Sports & Outdoors / Outdoors | sport | 2.89 | 0.73 | 0.61
    Hiking & Camping=4,-0.15; Bike & Skate=2,+0.04; Other=2,-0.02; Fishing=1,-0.02;
    Indoor/Outdoor Games=1,+0.02; Skateboard=1,+0.06; Snowboard=1,+0.09
Sports & Outdoors / Golf | sport | 3.25 | 0.30 | 0.42
    Men's Golf Clubs=2,+0.03; Electronics=1,+0.05; Golf Apparel=1,-0.04; Golf Balls=1,+0.03
Sports & Outdoors / Footwear | sport | 3.44 | 0.29 | 0.47
    Cleats=2,+0.12
Sports & Outdoors / Other | sport | 3.16 | 0.34 | 0.36
    Other=1,+0.06
Vintage & Collectibles / Toy | collectible | 2.95 | 0.33 | 0.65
    Action Figure=28,+0.13; Electronic=6,-0.24; Animal=2,-0.14; Car=2,-0.08; Doll=2,+0.12
Vintage & Collectibles / Antique | collectible | 2.78 | 0.95 | 0.46
    Collectibles=27,+0.05; Book=6,-0.16; 100 Years or Older=2,-0.06; 50 To 75 Years=2,+0.07;
    Accessories=1,+0.02; Electronics=1,-0.00
Vintage & Collectibles / Collectibles | collectible | 2.96 | 0.55 | 0.58
    Figurine=10,+0.11; Glass=9,-0.04; Doll=7,-0.00; Other=6,-0.14; Souvenir=5,+0.05
Vintage & Collectibles / Trading Cards | collectible | 2.41 | 0.29 | 0.87
    Animation=14,+0.13; Sports=10,-0.14; Vintage=3,-0.14; Action, Adventure=1,+0.05; Sci-Fi,
    Fantasy=1,-0.06
Vintage & Collectibles / Electronics | collectible | 3.00 | 0.32 | 0.37
    Video Game=15,+0.02; Clock=1,-0.03; Radio=1,-0.01
Vintage & Collectibles / Jewelry | collectible | 3.00 | 0.62 | 0.62
    Necklace=6,+0.07; Ring=4,+0.22; Bracelet=2,-0.13; Brooch=2,-0.14; Pendant=1,-0.08
Vintage & Collectibles / Serving | collectible | 2.96 | 0.86 | 0.49
    Mug=8,+0.03; Tumbler=3,-0.03; Teacup=1,-0.01
Vintage & Collectibles / Bags and Purses | collectible | 3.57 | 0.34 | 0.41
    Handbag=4,-0.06; Clutch=2,+0.14; Purse=2,+0.05; Formal=1,+0.14; Pouch=1,-0.11
Vintage & Collectibles / Clothing | collectible | 2.81 | 0.48 | 0.34
    Sweater=7,+0.00; Shorts=2,-0.06; Pants=1,+0.02
Vintage & Collectibles / Accessories | collectible | 2.88 | 0.44 | 0.37
    Keychain=6,-0.06; Eyewear=2,+0.05; Shoes=1,+0.02
Vintage & Collectibles / Housewares | collectible | 3.02 | 0.44 | 0.29
    Bowl=3,+0.04; Cup=3,-0.08; Ceramic=2,+0.13; Coaster=1,-0.07
Vintage & Collectibles / Book | collectible | 2.78 | 0.77 | 0.58
    Cookbook=3,-0.13; Comics=2,+0.15; Health=1,-0.06
Vintage & Collectibles / Home Decor | collectible | 2.85 | 0.59 | 0.23
    Box=1,-0.06; Linens=1,+0.03; Other=1,-0.04; Tray=1,+0.04
Vintage & Collectibles / Supplies | collectible | 3.15 | 0.67 | 0.54
    Bead=1,-0.01; Charm=1,+0.08; Fabric=1,-0.02
Vintage & Collectibles / Other | collectible | 2.56 | 0.62 | 0.47
    Other=2,-0.10
Vintage & Collectibles / Paper Ephemera | collectible | 3.06 | 0.54 | 0.56
    Stamps=1,+0.03
Women / Athletic Apparel | active | 3.16 | 0.25 | 0.40
    Pants, Tights, Leggings=320,+0.20; Shorts=107,-0.36; Shirts & Tops=64,-0.17; Sports
    Bras=48,-0.24; Jackets=39,+0.25; Tracksuits & Sweats=32,+0.03; Socks=17,-0.37;
    Jerseys=2,-0.10; Other=2,+0.05; Skirts, Skorts & Dresses=2,-0.05
Women / Tops & Blouses | apparel | 2.74 | 0.34 | 0.42
    T-Shirts=239,+0.07; Blouse=117,-0.09; Tank, Cami=115,-0.18; Tunic=31,+0.41; Button Down
    Shirt=17,+0.02; Knit Top=17,+0.03; Other=8,-0.10; Halter=6,-0.03; Polo Shirt=2,-0.04;
    Wrap=2,+0.09; Turtleneck=1,-0.05
Women / Shoes | shoes | 3.36 | 0.28 | 0.27
    Boots=89,+0.14; Athletic=86,+0.21; Sandals=70,-0.06; Fashion Sneakers=48,-0.03;
    Pumps=35,-0.22; Flats=31,-0.18; Loafers & Slip-Ons=26,-0.14; Slippers=8,-0.14; Mules &
    Clogs=5,+0.04; Other=3,-0.14; Oxfords=1,+0.02; Work & Safety=1,-0.03
Women / Jewelry | jewelry | 2.81 | 0.62 | 0.69
    Necklaces=108,-0.09; Bracelets=84,+0.15; Rings=59,+0.08; Earrings=58,-0.13
Women / Women's Handbags | bags | 3.54 | 0.21 | 0.36
    Shoulder Bag=86,+0.10; Totes & Shoppers=57,+0.03; Messenger & Crossbody=47,+0.17; Cosmetic
    Bags=29,-0.66; Backpack Style=22,+0.00; Satchel=11,+0.42; Other=7,-0.31; Hobo=1,+0.20
Women / Dresses | apparel | 3.12 | 0.39 | 0.35
    Above Knee, Mini=106,-0.18; Knee-Length=74,+0.04; Full-Length=36,+0.25; Asymmetrical
    Hem=15,+0.34; Other=9,-0.18; Mid-Calf=5,+0.14
Women / Women's Accessories | accessory | 3.06 | 0.38 | 0.48
    Wallets=87,+0.06; Sunglasses=34,+0.07; Watches=29,+0.53; Hair Accessories=27,-0.42;
    Hats=26,-0.21; Other=15,-0.14; Scarves & Wraps=11,-0.07; Belts=8,-0.08
Women / Sweaters | apparel | 3.11 | 0.25 | 0.33
    Cardigan=57,+0.05; Hooded=55,-0.07; Crewneck=38,-0.05; Full Zip=15,+0.07; Other=5,-0.09;
    Poncho=4,+0.08; Cowl Neck=3,+0.01; Collared=2,+0.08; Scoop Neck=2,+0.08; Tunic=2,+0.07;
    Turtleneck, Mock=1,+0.02; V-Neck=1,-0.06; Vest, Sleeveless=1,+0.01
Women / Jeans | apparel | 3.12 | 0.20 | 0.29
    Slim, Skinny=70,-0.17; Leggings=40,+0.20; Boot Cut=35,+0.14; Straight Leg=10,+0.03; Capri,
    Cropped=9,-0.10; Other=7,-0.04; Flare=4,+0.00; Overalls=1,+0.01
Women / Underwear | apparel | 2.82 | 0.23 | 0.48
    Bras=111,-0.02; Panties=43,+0.02; G-Strings & Thongs=11,+0.06; Other=10,-0.03
Women / Swimwear | apparel | 2.89 | 0.45 | 0.27
    Two-Piece=69,+0.02; One-Piece=17,-0.08; Beach Accessories=7,-0.01; Cover-Ups=4,+0.04
Women / Coats & Jackets | apparel | 3.28 | 0.23 | 0.28
    Fleece Jacket=24,+0.06; Vest=14,+0.00; Other=13,+0.03; Puffer=7,+0.09; Jean Jacket=6,-0.18;
    Motorcycle=6,-0.04; Windbreaker=4,+0.11; Military=3,-0.13; Raincoat=2,+0.04; Wool=2,+0.02;
    Cape=1,-0.07; Parka=1,+0.01; Peacoat=1,+0.05; Trench=1,-0.02
Women / Other | apparel | 2.91 | 0.50 | 0.32
    Other=51,-0.00
Women / Skirts | apparel | 3.01 | 0.35 | 0.43
    Straight, Pencil=14,+0.09; Mini=11,-0.08; Maxi=9,-0.00; A-Line=5,+0.05;
    Asymmetrical=3,-0.05; Pleated=2,-0.03
Women / Pants | apparel | 2.91 | 0.28 | 0.30
    Other=12,+0.13; Casual Pants=10,+0.04; Dress Pants=10,-0.15; Capris, Cropped=7,+0.03;
    Khakis, Chinos=3,-0.10
Women / Maternity | apparel | 2.80 | 0.49 | 0.39
    Dresses=7,+0.15; Other=3,-0.04; Tops & Blouses=3,-0.13; Pants=2,-0.05; Jeans=1,-0.02
Women / Suits & Blazers | apparel | 2.97 | 0.14 | 0.46
    Blazer=11,-0.08; Pant Suit=4,+0.12
"""
