"""What a seller says about a thing beyond its brand and line, and what the words are worth.

    attribute | shown in the name | shown in the description | sentence starts, joined by ' / '
        families or 'all' [@conditions] [!luxury] : share of listings that have it
            words=weight,log-price effect; ...

The first group of rows that fits a listing's family and condition (1 new ... 5 poor) is used. Where
the effect of words depends on the family, the families have groups of their own.

Shares and effects are assumed; the shares of bundles, firm prices, authentic things, tags and
masked prices are near those of 7,979 public listings of 2017. Effects are on the log-value, which
`assumptions.SLOPE_BELOW` and `SLOPE_ABOVE` turn into log-price.
"""

TABLE = """
state | 0.34 | 0.65 |  / Condition: / It is / These are / Item is
    active apparel menswear kidswear shoes mens_shoes bags accessory jewelry sport @1 : 0.62
        nwt=20,+0.14; new with tags=20,+0.14; brand new=35,+0.06; bnwt=3,+0.15; never worn=16,+0.05;
        new in box=8,+0.13; nib=3,+0.13; with tags attached=4,+0.13; new=20,+0.04
    phone device game gear home @1 : 0.62
        brand new=30,+0.10; factory sealed=9,+0.24; sealed=14,+0.20; new in box=22,+0.14;
        unopened=10,+0.13;
        never used=10,+0.03; bnib=3,+0.14; new=20,+0.06
    makeup skin fragrance toys collectible @1 : 0.60
        brand new=30,+0.04; sealed=14,+0.11; new in box=15,+0.10; bnib=7,+0.10;
        never opened=9,+0.06;
        never used=12,+0.02; never swatched=4,+0.02; mint in box=2,+0.16; new=20,+0.02
    all @1 : 0.50
        brand new=40,+0.03; new=30,+0.02; never used=20,+0.01; sealed=8,+0.10; unopened=6,+0.06
    all @2 : 0.55
        like new=30,+0.04; nwot=12,+0.07; new without tags=8,+0.07; excellent condition=22,+0.02;
        euc=9,+0.02;
        worn once=14,+0.00; only used once=10,+0.00; barely used=9,-0.02; great condition=22,-0.02
    all @3 : 0.55
        good condition=30,-0.04; great condition=26,+0.03; gently used=18,-0.02; used=16,-0.12;
        guc=4,-0.03;
        worn a few times=10,-0.02; some wear=10,-0.14; pre loved=4,-0.03; works great=5,+0.02
    phone device game @4 : 0.6
        works but worn=20,-0.20; heavily used=10,-0.35; fair condition=14,-0.15
    all @4 : 0.6
        fair condition=20,-0.05; well worn=18,-0.15; well loved=14,-0.10; play condition=6,-0.08
    phone device game @5 : 0.8
        for parts=40,-0.55; not working=30,-0.55; as is=14,-0.25; does not turn on=12,-0.60
    all @5 : 0.6
        as is=30,-0.15; damaged=20,-0.30; for crafts=8,-0.35

flaw | 0.04 | 0.85 | Flaws: / There is a / Has a / Only flaw: / Please note:
    phone device game @3 : 0.22
        small scratch=30,-0.06; cracked screen=16,-0.55; scratches on back=20,-0.12;
        missing button=6,-0.25;
        dead pixel=4,-0.30; weak battery=8,-0.25; no charger=16,-0.08
    phone device game @4 5 : 0.70
        cracked screen=40,-0.65; broken screen=18,-0.75; water damage=14,-0.70;
        bad battery=12,-0.35;
        deep scratches=18,-0.25; bad speaker=6,-0.35; icloud lock=8,-0.75
    active apparel menswear kidswear @3 : 0.15
        small stain=28,-0.22; tiny hole=18,-0.24; light pilling=20,-0.10; slight fading=14,-0.08;
        loose thread=8,-0.05;
        missing button=6,-0.18; small snag=8,-0.10
    active apparel menswear kidswear @4 5 : 0.70
        stain=34,-0.34; hole=22,-0.40; pilling=16,-0.22; broken zipper=8,-0.42; rip=10,-0.40;
        faded=12,-0.20
    shoes mens_shoes bags @3 : 0.20
        scuff=26,-0.12; scratches=18,-0.14; creasing=14,-0.08; small stain=14,-0.20;
        worn corners=12,-0.16; no box=12,-0.05
    shoes mens_shoes bags @4 5 : 0.70
        heavy scuffs=26,-0.30; stain inside=20,-0.28; broken zipper=8,-0.50; peeling=14,-0.50;
        sole separation=8,-0.50
    makeup skin fragrance @3 4 5 : 0.30
        swatched once=30,-0.06; hit pan=14,-0.30; broken pan=8,-0.32; half full=18,-0.40;
        no cap=7,-0.18; used twice=20,-0.08
    home toys collectible gear sport jewelry accessory @3 4 5 : 0.20
        chip=16,-0.30; small scratch=24,-0.10; crack=8,-0.45; missing piece=12,-0.35;
        box damage=20,-0.08; tarnish=10,-0.15
    all @2 : 0.03
        tiny mark=20,-0.06; small flaw=20,-0.08

proof | 0.10 | 0.60 |  / Guaranteed / Item is
    bags shoes jewelry accessory mens_shoes !luxury : 0.62
        100% authentic=36,+0.14; authentic=40,+0.12; with receipt=10,+0.20;
        comes with dust bag=14,+0.15;
        inspired=9,-1.10; replica=4,-1.30; not authentic=4,-1.20; date code=6,+0.17
    bags shoes jewelry accessory mens_shoes fragrance active toys : 0.05
        authentic=40,+0.07; 100% authentic=20,+0.08; with receipt=6,+0.08
    phone @1 2 3 4 : 0.55
        unlocked=34,+0.13; factory unlocked=12,+0.15; AT&T=18,-0.02; Verizon=18,-0.02;
        Sprint=12,-0.10; T-Mobile=14,-0.02;
        clean imei=12,+0.05; boost mobile=6,-0.22; icloud locked=3,-0.80

count | 0.62 | 0.45 | Includes / You get / Comes as / Selling
    makeup skin fragrance : 0.19
        bundle=30,+0.42; set of 2=18,+0.34; set of 3=14,+0.55; lot of 4=8,+0.70; lot of 5=8,+0.84;
        x2=10,+0.34;
        duo=8,+0.30; trio=6,+0.50; lot of 10=4,+1.15; 3 pack=6,+0.48; set of 6=4,+0.85
    active apparel menswear kidswear shoes : 0.13
        bundle=40,+0.50; lot of 3=10,+0.52; set of 2=13,+0.34; 2 pairs=8,+0.42; bundle of 4=8,+0.72;
        bundle of 5=8,+0.85;
        lot of 10=4,+1.15; 3 pack=6,+0.40; set=20,+0.18; outfit=8,+0.20
    jewelry accessory handmade collectible toys media game case supplies : 0.20
        bundle=26,+0.40; set of 2=14,+0.30; set of 3=12,+0.46; lot of 4=7,+0.60; lot of 5=9,+0.75;
        lot of 10=7,+1.02;
        lot of 20=4,+1.35; x2=10,+0.32; x3=6,+0.48; set=20,+0.16; pack of 6=7,+0.50; 50 pcs=4,+0.35;
        100 ct=4,+0.50
    all : 0.12
        bundle=24,+0.40; set of 2=22,+0.34; set of 3=12,+0.50; set of 4=12,+0.60; set=20,+0.18;
        2 pack=10,+0.30

material | 0.45 | 0.60 |  / Material: / Made of / Genuine quality, / 100%
    jewelry : 0.52
        14k gold=9,+1.15; 10k gold=6,+0.95; 18k gold=3,+1.30; sterling silver=26,+0.40;
        925 silver=14,+0.36; gold plated=12,-0.12;
        silver tone=9,-0.30; stainless steel=8,-0.15; cubic zirconia=8,-0.05; diamond=5,+0.95;
        rhinestone=6,-0.35;
        pearl=5,+0.05; turquoise stone=4,+0.15; leather cord=3,-0.25; resin=2,-0.45;
        gold filled=4,+0.15;
        titanium=2,-0.10
    active apparel menswear : 0.22
        cotton=34,-0.05; polyester=14,-0.08; silk=7,+0.20; cashmere=5,+0.42; wool=7,+0.20;
        leather=5,+0.50; faux leather=6,+0.08;
        lace=14,+0.00; raw denim=9,+0.02; linen=4,+0.06; suede=3,+0.20; faux fur=5,+0.20;
        velvet=5,+0.08; fleece=7,+0.06
    shoes mens_shoes : 0.24
        leather=40,+0.20; suede=24,+0.06; faux leather=8,-0.22; canvas=12,-0.12; patent=7,+0.02;
        rubber=6,-0.15; genuine leather=14,+0.22
    bags accessory : 0.36
        leather=34,+0.24; genuine leather=14,+0.30; canvas=14,-0.10; faux leather=10,-0.30;
        saffiano=6,+0.22; nylon=8,-0.16;
        vinyl=4,-0.30; suede=4,+0.10; pebbled leather=7,+0.28; cotton=6,-0.35
    home collectible : 0.26
        ceramic=20,+0.05; glass=18,-0.02; solid wood=12,+0.26; stainless steel=12,+0.12;
        plastic=9,-0.30; cast iron=4,+0.32;
        copper=5,+0.20; crystal=6,+0.30; cotton=10,-0.02; porcelain=8,+0.06; brass=5,+0.22;
        silver plated=4,+0.16
    kidswear : 0.10
        cotton=50,-0.04; fleece=20,+0.03; leather=8,+0.22; raw denim=14,+0.02
    handmade : 0.24
        vinyl=20,-0.20; wood=14,+0.25; sterling silver=9,+0.40; yarn=12,+0.10; resin=9,-0.10;
        felt=8,-0.15; leather=6,+0.32

measure | 0.45 | 0.62 |  / Size: / Size is / Comes in
    fragrance : 0.62
        0.5 oz=7,-0.45; 1 oz=12,-0.18; 1.7 oz=18,+0.12; 3.4 oz=24,+0.40; 6.7 oz=3,+0.70;
        rollerball=9,-0.42; mini=9,-0.55;
        sample vial=6,-1.05; 8 oz=8,-0.10; 0.25 oz=5,-0.65; travel size=8,-0.55; tester=4,+0.05
    skin : 0.50
        0.5 oz=9,-0.40; 1 oz=10,-0.12; 1.7 oz=10,+0.14; 8 oz=16,+0.05; 16 oz=7,+0.32;
        travel size=16,-0.55; full size=20,+0.12;
        sample=9,-0.80; deluxe sample=8,-0.52; 32 oz=3,+0.60; 4 oz=9,+0.00
    makeup : 0.38
        full size=36,+0.10; travel size=16,-0.40; mini=16,-0.45; deluxe sample=14,-0.52;
        sample=8,-0.75; 0.5 oz=8,-0.05; jumbo=4,+0.15
    phone device : 0.55
        8gb=7,-0.30; 16gb=30,-0.12; 32gb=18,+0.05; 64gb=20,+0.18; 128gb=12,+0.32; 256gb=5,+0.48;
        500gb=4,+0.20; 1tb=3,+0.35
    game : 0.16
        16gb=6,-0.10; 32gb=10,+0.02; 120gb=8,-0.06; 250gb=9,+0.04; 500gb=24,+0.10; 1tb=12,+0.22;
        digital code=6,-0.25
    bags : 0.30
        small=20,-0.16; mini=16,-0.22; medium=18,+0.02; large=30,+0.10; extra large=6,+0.14
    home gear sport : 0.22
        queen=12,+0.24; king=7,+0.32; twin=9,+0.05; small=16,-0.20; large=22,+0.14; mini=10,-0.28;
        12 oz=8,-0.05; 20 oz=8,+0.02;
        throw size=6,-0.05; 16x20=4,+0.12; 4x6=4,-0.25
    toys collectible handmade supplies : 0.18
        mini=20,-0.28; large=20,+0.18; jumbo=8,+0.26; 2 oz=7,-0.35; 4 oz=9,-0.10; 8 oz=10,+0.16;
        3 inch=8,-0.16; 12 inch=9,+0.18; small=18,-0.18

cut | 0.45 | 0.35 |  / Style: / It is
    apparel : 0.34
        crop=14,-0.10; long sleeve=22,+0.06; short sleeve=14,-0.06; sleeveless=10,-0.06;
        off the shoulder=9,+0.02; maxi=10,+0.08;
        high waisted=10,+0.04; bodycon=7,-0.10; sequin=5,+0.18; formal=6,+0.35; prom=5,+0.75;
        wedding=3,+0.85;
        distressed=9,+0.06; oversized=9,+0.03; plus size=8,+0.02; strapless=5,-0.06;
        ruffled=7,+0.00;
        costume=5,+0.10
    menswear kidswear active : 0.26
        long sleeve=22,+0.06; short sleeve=16,-0.08; hooded=12,+0.18; full zip=10,+0.16;
        slim fit=9,+0.04; graphic=16,-0.14;
        lined=7,+0.16; snowsuit=3,+0.35; onesie=12,-0.20; button down=10,+0.04; tank=12,-0.18;
        jersey=8,+0.26; winter=6,+0.26
    shoes mens_shoes : 0.30
        ankle=18,+0.02; knee high=10,+0.24; wedge=12,-0.06; stiletto=7,+0.06; platform=9,+0.06;
        flip flop=9,-0.48; low top=12,-0.04;
        high top=12,+0.06; slip on=12,-0.12; cleats=6,-0.08; over the knee=6,+0.16; winter=6,+0.18;
        house slippers=6,-0.32
    bags : 0.30
        wristlet=20,-0.48; coin purse=9,-0.75; zip top=24,+0.02; structured=14,+0.26; hobo=9,+0.16;
        clutch=12,-0.26; diaper bag=6,+0.12;
        card holder=8,-0.58; zip around=12,+0.14; keychain=7,-0.75
    toys collectible : 0.30
        exclusive=16,+0.35; chase=4,+0.70; convention exclusive=4,+0.62; retired=7,+0.45;
        glow in the dark=6,+0.12; loose=10,-0.30;
        complete=12,+0.25; blind bag=9,-0.36; electronic=8,+0.22; wooden=6,+0.14; incomplete=5,-0.35
    home : 0.24
        farmhouse=14,+0.08; handmade=9,+0.06; personalized=6,+0.12; electric=7,+0.35;
        decorative=14,-0.06; hanging=8,-0.04; sticker=6,-0.75
    makeup skin : 0.22
        matte=20,-0.02; waterproof=9,-0.04; holiday set=8,+0.36; big palette=10,+0.30;
        highlighter=12,+0.08; single=9,-0.30; serum=8,+0.16; pencil=10,-0.22
    jewelry : 0.22
        choker=18,-0.38; engagement=7,+0.42; stud=14,-0.20; hoop=10,-0.10; layered=7,-0.12;
        charm=12,-0.14; wedding band=6,+0.40; body jewelry=9,-0.42; signed=4,+0.35
    accessory : 0.22
        polarized=14,+0.22; infinity=7,-0.22; scrunchie=8,-0.62; snapback=12,+0.14;
        mini bow=12,-0.55;
        chronograph=7,+0.42; beanie=10,-0.22; reading=4,-0.45

rarity | 0.20 | 0.35 |  / This is
    all : 0.085
        rare=26,+0.24; htf=9,+0.22; limited edition=20,+0.26; discontinued=8,+0.20;
        vintage=26,+0.10; vip exclusive=2,+0.35; sold out=10,+0.18;
        one of a kind=4,+0.16; antique=5,+0.18; collectors edition=5,+0.34

theme | 0.45 | 0.25 |  / Pattern: / Print: / Features
    apparel active kidswear : 0.34
        floral=22,+0.00; striped=18,-0.03; plaid=10,+0.02; polka dot=7,-0.04; unicorn=4,+0.24;
        disney princess=7,+0.16; leopard=7,+0.02; aztec=6,-0.04;
        galaxy=4,+0.02; camo=7,+0.05; christmas=7,+0.04; halloween=6,+0.05; roses=5,+0.05;
        cats=3,+0.04; paisley=4,-0.02; geometric=6,-0.01
    toys collectible handmade home media supplies case : 0.42
        darth vader=8,+0.16; harry potter=9,+0.20; mickey mouse=9,+0.08; batman=7,+0.05;
        frozen=8,-0.04; minions=5,-0.10; unicorn=9,+0.05; mermaid=7,+0.05;
        christmas=12,-0.05; halloween=9,-0.02; avengers=8,+0.06; cute kitty=7,+0.02;
        pikachu=8,+0.10;
        flower=10,-0.08; coffee=4,+0.00; cactus=4,-0.02;
        moana=4,+0.06; dragon ball=3,+0.16; sailor moon=3,+0.18; nightmare before christmas=5,+0.18;
        walking dead=4,+0.08
    makeup skin fragrance : 0.30
        vanilla=14,-0.02; rose=12,+0.04; coconut=10,-0.02; lavender=9,-0.03; nude shades=14,+0.00;
        berry=8,-0.02; peach=7,+0.04; pumpkin=5,-0.02; peppermint=5,-0.04

extra | 0.05 | 0.40 | Comes with / Includes the / With
    phone device game : 0.42
        charger=34,+0.05; original box=20,+0.09; case=18,+0.06; all cords=14,+0.06;
        2 controllers=9,+0.20; 5 games=6,+0.32; screen protector=10,+0.03;
        extra battery=5,+0.08; manual=8,+0.04
    bags shoes mens_shoes jewelry accessory : 0.14
        original box=40,+0.10; gift box=16,+0.07; extra strap=9,+0.05; certificate=4,+0.22;
        receipt=8,+0.08
    toys collectible gear home : 0.10
        original packaging=30,+0.10; instructions=20,+0.05; all accessories=20,+0.14; stand=8,+0.06

retail | 0.00 | 0.72 | Retail / Retails for / Originally / Paid / Worth / Retail price
    all : 0.125
        [rm]=40,+0.10; [rm] plus tax=14,+0.12; over [rm]=9,+0.16; [rm] at the store=9,+0.08;
        [rm] each=7,-0.04; [rm] shipped=8,-0.06

deal | 0.03 | 0.62 |  / Price is / Price:
    all : 0.115
        firm=24,+0.08; price firm=24,+0.08; no offers=7,+0.06; price drop=12,-0.07; on sale=9,-0.08;
        must go=7,-0.12; negotiable=9,-0.02; make an offer=7,-0.02;
        no trades=12,+0.05; final sale=4,-0.06

praise | 0.66 | 0.25 |  / So / Really
    apparel active shoes bags accessory jewelry : 0.55
        cute=30,+0.00; women's=40,+0.00; beautiful=12,+0.00; ladies=9,+0.00; comfy=5,-0.01;
        super cute=8,+0.00; gorgeous=8,+0.02; stylish=5,-0.01; girls=8,-0.05
    menswear mens_shoes : 0.55
        mens=60,+0.00; men's=40,+0.00; boys=9,-0.06; cool=5,+0.00
    kidswear gear : 0.5
        girls=30,+0.00; boys=24,+0.00; baby=24,-0.02; toddler=18,+0.00; kids=14,+0.00;
        adorable=10,+0.00
    all : 0.40
        lovely=30,+0.00; nice=10,+0.00; cute=20,+0.00; great=10,+0.00; beautiful=9,+0.00;
        custom=5,+0.06; original=8,+0.02; genuine=6,+0.04; cool=6,+0.00; amazing=5,+0.00

colour | 0.46 | 0.45 |  / Color: / Color is / Comes in
    phone : 0.45
        black=24,+0.00; white=20,+0.00; space gray=18,+0.02; rose gold=16,+0.06; gold=14,+0.01;
        silver=14,+0.00; red=3,+0.08
    all : 0.46
        black=190,+0.02; white=110,-0.01; pink=90,+0.00; blue=90,-0.01; red=60,+0.00; gray=60,+0.00;
        navy=45,+0.01; gold=40,+0.01; purple=40,-0.02; green=38,-0.01;
        brown=38,+0.01; silver=30,+0.00; nude=18,+0.01; burgundy=18,+0.02; teal=16,+0.00;
        beige=14,+0.00; coral=12,-0.02; rose gold=12,+0.02; olive=10,+0.02;
        tan=14,+0.01; orange=14,-0.02; yellow=14,-0.02; turquoise=8,+0.00; mint=8,-0.01;
        ivory=10,+0.01; maroon=7,+0.00; multicolor=8,+0.00; lilac=3,+0.00

size | 0.42 | 0.62 | Size / Size: / Sz / Women's size / Fits like a / Tagged
    apparel active menswear : 0.66
        small=60,+0.00; medium=64,+0.00; large=54,+0.00; xs=30,+0.00; xl=30,+0.00; xxl=8,+0.00;
        s=22,+0.00; m=22,+0.00; l=16,+0.00; 0=5,+0.00; 2=8,+0.00; 4=10,+0.00;
        6=10,+0.00; 8=10,+0.00; 10=8,+0.00; 12=5,+0.00; 14=3,+0.00; 1x=8,+0.02; 2x=8,+0.02;
        3x=4,+0.02; 26=5,+0.00; 28=6,+0.00; 30=5,+0.00; one size=10,-0.04; 34b=8,+0.00;
        34c=8,+0.00; 36c=7,+0.00; 32d=4,+0.01; 36d=4,+0.01
    shoes mens_shoes : 0.70
        5=6,-0.02; 5.5=6,-0.02; 6=14,-0.01; 6.5=14,+0.00; 7=20,+0.00; 7.5=20,+0.00; 8=22,+0.00;
        8.5=18,+0.00; 9=18,+0.01; 9.5=12,+0.01; 10=16,+0.02; 10.5=8,+0.03; 11=9,+0.03; 12=5,+0.03;
        13=2,+0.03
    kidswear gear : 0.62
        newborn=10,-0.12; 0-3 months=12,-0.10; 3-6 months=12,-0.08; 6-9 months=10,-0.06;
        12 months=14,-0.04; 18 months=12,-0.03; 24 months=8,-0.02; 2t=16,+0.00; 3t=15,+0.00;
        4t=14,+0.01;
        5t=8,+0.02; 6=6,+0.05; 7/8=8,+0.06; 10/12=8,+0.08; 14/16=5,+0.10; 5c=4,+0.00; 8c=4,+0.02;
        10c=3,+0.04
    jewelry : 0.18
        5=10,+0.00; 6=20,+0.00; 7=26,+0.00; 8=18,+0.00; 9=8,+0.00; 18 inch=14,+0.00;
        16 inch=8,+0.00; adjustable=14,-0.08
"""
