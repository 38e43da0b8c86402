"""Product lines: the model words of a title and what such a thing sells for second-hand.

    pool | places: parts of category paths, joined by ' + ' | share of listings there that name one
        Brand: line=dollars[*weight]; ...

Dollars are a typical asking price in 2017 in the usual state for the category: assumed, from what
such things cost new and how fast they lose value. A line replaces the effects of category and
brand: "iPhone 7" says it all.
"""

TABLE = """
phones | Cell Phones & Smartphones | 0.48
    Apple: iPhone 4=24*2; iPhone 4s=34*3; iPhone 5=58*5; iPhone 5c=62*5; iPhone 5s=85*7;
    iPhone SE=140*3; iPhone 6=155*10; iPhone 6 Plus=205*5; iPhone 6s=235*7; iPhone 6s Plus=285*4;
    iPhone 7=410*4; iPhone 7 Plus=510*1.5; iPhone 8=620*0.5; iPhone X=900*0.2
    Samsung: Galaxy S4=58*3; Galaxy S5=85*4; Galaxy S6=140*4; Galaxy S6 Edge=170*3; Galaxy S7=235*4;
    Galaxy S7 Edge=275*3; Galaxy S8=440*2; Galaxy Note 4=120*2; Galaxy Note 5=205*2; Galaxy J3=60*3
    LG: G3=58*2; G4=78*2; G5=112; Stylo 2=55*2; V20=170
    Motorola: Moto G=62*2; Moto X=70; Droid Turbo=75
    -: flip phone=18*4; ZTE Max=45*2; Nokia Lumia=38*2; HTC One=58*2; Google Pixel=300
cases | Cases, Covers & Skins | 0.35
    OtterBox: Defender=19*6; Commuter=15*3; Symmetry=16*2
    LifeProof: Fre=30*3
    Kate Spade: Scatter Dot case=21*3
    Apple: silicone case=17*4; leather case=24*2; smart battery case=42
    -: wallet case=11*8; clear case=7*9; glitter case=8*7; bumper=8*3; battery case=19*3;
    pop socket=9*4
computers | Computers & Tablets | 0.42
    Apple: MacBook Pro=470*2; MacBook Air=370*3; MacBook=240*2; iPad 2=95*3; iPad Mini=130*4;
    iPad Air=190*4; iPad Pro=430; iPad Mini 2=165*3; Magic Mouse=38; Apple Pencil=72; iMac=420
    Amazon: Kindle Fire=38*5; Kindle Paperwhite=62*3; Kindle=32*3
    Samsung: Galaxy Tab A=95*3; Galaxy Tab 3=62*2; Chromebook=115*2
    HP: Pavilion=170*3; Stream=95*2; Chromebook 14=110
    Dell: Inspiron=165*3; Latitude=125*2; XPS 13=410
    -: flash drive=9*5; router=24*3; hard drive=42*4; graphics card=115*3; tablet keyboard=17*3
audio | TV, Audio + Headsets + Portable Audio | 0.48
    Beats by Dr. Dre: Solo 2=74*5; Solo 3=142*3; Studio=98*4; Studio 3=190; Powerbeats 2=62*4;
    Powerbeats 3=92*3; Pill=72*3; urBeats=34*3
    Apple: AirPods=134*4; EarPods=11*9; iPod Touch=82*3; iPod Nano=48*3; Apple TV=58*3;
    iPod Shuffle=30*2
    Bose: QuietComfort 25=150*2; QuietComfort 35=240; SoundLink Mini=98*2; SoundSport=68*2
    JBL: Flip 2=42*2; Flip 3=58*3; Flip 4=72; Charge 3=92*2; Clip=28
    Roku: Streaming Stick=29*3; Roku 3=38
    Amazon: Fire Stick=38*4; Echo Dot=36*3; Echo=92
    -: portable speaker=17*7; bluetooth headphones=16*8; sport earbuds=7*5; vr headset=14*3;
    drone=44*3
cameras | Cameras & Photography | 0.45
    GoPro: Hero 3=108*2; Hero 4=172*3; Hero 5=262; Hero Session=118
    Canon: Rebel T3i=245*2; Rebel T5=275*2; Rebel T6i=460; PowerShot=68*4; 50mm lens=82
    Nikon: D3200=270*2; D3300=310; D5300=400; Coolpix=58*4
    Fuji: Instax Mini 8=48*5; Instax Mini 9=56*2; Instax film=14*5
    -: selfie stick=7*3; tripod=17*3; polaroid camera=32*3; camera bag=19*2; memory card=13*2
consoles | Consoles + Electronics/Video Game | 0.40
    Nintendo: Switch=315*3; Wii=58*7; Wii U=145*3; 3DS=98*3; 3DS XL=128*3; 2DS=66*3; DS Lite=42*4;
    DSi=45*3; Gameboy Color=46*2; Gameboy Advance SP=54*3; N64=62*3; GameCube=52*3; NES Classic=148;
    SNES=68*2; NES=60*2
    Sony: PlayStation 2=52*3; PlayStation 3=92*4; PlayStation 4=205*6; PS4 Slim=222*2; PS4 Pro=310;
    PS Vita=112*2; PSP=56*3; PlayStation 1=40
    Xbox: Xbox 360=76*6; Xbox One=165*5; Xbox One S=200*2; Xbox One X=430*0.5; original Xbox=45*2
games | Video Games & Consoles/Games | 0.70
    Nintendo: Pokemon Sun=26*3; Pokemon Moon=25*3; Pokemon X=21*2; Breath of the Wild=43*2;
    Mario Kart 8=34*3; Mario Kart Wii=27*3; Super Smash Bros=30*3; Animal Crossing=17*3;
    Mario Party=24*3;
    Zelda Ocarina of Time=28*2; Pokemon HeartGold=48; amiibo=14*4; New Super Mario Bros=18*4;
    Wii Sports=16*2
    Sony: Call of Duty Black Ops 3=21*3; Grand Theft Auto V=23*4; Uncharted 4=19*3;
    The Last of Us=16*3;
    Horizon Zero Dawn=27*2; Final Fantasy XV=20*2; NBA 2K17=15*3; Kingdom Hearts=17*2;
    God of War=12*2
    Xbox: Halo 5=14*3; Gears of War 4=17*3; Madden 17=15*3; Call of Duty Ghosts=10*3;
    Minecraft=17*3;
    Forza Horizon 3=24*2; Skyrim=14*3; Fallout 4=16*3; FIFA 17=16*2; Battlefield 1=20*2;
    Just Dance=13*2
accessories | Video Games & Consoles/Accessories | 0.55
    Sony: DualShock 4 controller=34*4; PS3 controller=20*3
    Xbox: Xbox One controller=34*4; Kinect=26*3; Xbox 360 controller=19*3
    Nintendo: Wii remote=17*4; Nunchuk=9*2; Pro Controller=46; Joy-Con=52; GameCube controller=22*2
lularoe | Women/Athletic Apparel + Women/Tops + Women/Dresses + Women/Skirts + Women/Jeans/Leg +
    Women/Sweaters/Card + Women/Sweaters/Pon + Maternity | 0.17
    LuLaRoe: OS leggings=23*10; TC leggings=27*8; Irma=26*7; Randy=24*5; Classic T=25*6;
    Perfect T=26*4;
    Cassie=23*5; Azure=24*4; LLR Maxi=30*4; Julia=31*5; Amelia=43*3; Nicole=33*3; Carly=36*5;
    Sarah=47*3;
    Lindsay=31*3; Joy=39*2; Madison=33*2; Monroe=30*2; Elegant Carly=95*0.3; Jill=34
    Independent: LLR OS=24*3; LLR TC=27*3; LLR Irma=26; LLR Cassie=23
active | Women/Athletic Apparel + Sweats & Hoodies + Men/Athletic + Women/Sweaters/Hood | 0.28
    Lululemon: Align Pant=63*3; Wunder Under=46*6; Speed Short=36*5; Define Jacket=68*3;
    Scuba Hoodie=62*3;
    Cool Racerback=27*4; Energy Bra=29*3; Hotty Hot=33*2; Swiftly Tech=37*3; Groove Pant=38*2
    PINK: bootcut yoga=20*7; Ultimate leggings=26*6; bling half zip=52*3; quarter zip=32*5;
    boyfriend pant=22*4;
    campus sweats=24*4; bling hoodie=58*2; cotton legging=15*3
    Nike: Pro shorts=15*5; Tempo shorts=13*5; Dri-Fit=17*7; Tech Fleece=46*2; Epic capris=21*2;
    swoosh jersey=25*4
    Under Armour: HeatGear=15*4; Storm hoodie=26*3; cold gear=19*2
    Adidas: Tiro pants=24*3; 3 stripe jacket=32*3; trefoil hoodie=35*2
    Gymshark: Flex leggings=46*3; Seamless=49*2
bras | Underwear/Bras + Underwear/Pant | 0.30
    Victoria's Secret: Bombshell=25*5; Very Sexy=20*5; Body by Victoria=18*5; Dream Angels=19*4;
    unlined bralette=14*4
    PINK: Wear Everywhere=15*5; Date push up=18*3; lace lace racerback=14*4; thong lot=22*3;
    cheekster=8*4
coats | Coats & Jackets + Kids/Boys + Kids/Girls | 0.10
    The North Face: Denali=46*5; Osito=39*4; Nuptse=98; Apex=43*2; rain jacket=35*2
    patagonia: Better Sweater=54*3; Synchilla=55*2; Nano Puff=78; Retro X=88
    Columbia: Benton Springs=19*3; 3 in 1=38
jeans | Jeans | 0.22
    Levi's®: 501=29*4; 511=24*3; 514=20; 550=21*2; vintage cutoffs=26*2
    Miss Me: signature skinny=38*4; Boot cut embellished=44*3
    American Eagle: jegging=19*7; Tomgirl=21*2; Hi-Rise=22*4
    True Religion: Joey=48*2; Becky=44; Ricky=52
    Hollister: super skinny=14*5
sneakers | Women/Shoes + Men/Shoes + Kids/Boys 2T-5T/Shoes + Kids/Boys (4+)/Shoes +
    Kids/Girls 2T-5T/Shoes | 0.40
    Nike: Roshe=34*6; Air Max 90=56*4; Air Max 97=112; Free Run=32*5; Huarache=56*4;
    Air Force 1=54*5;
    SB Janoski=38*3; Flyknit=46*3; Cortez=44*2; Foamposite=118*2; Kobe 9=78; KD 6=68*2;
    LeBron 11=88*2
    Air Jordan: Jordan 1 retro=94*3; Jordan 3=108*2; Jordan 4=118*2; Jordan 5=98*2; Jordan 6=96*2;
    Jordan 11=142*3; Jordan 12=112*2; Jordan 13=96*2; Jordan Flight=42*2
    Adidas: NMD R1=96*4; Superstar=42*6; Ultra Boost=106*3; Yeezy 350=335*0.4; Stan Smith=42*4;
    Tubular=45*3;
    Slides=17*3
    Converse: Chuck Taylor=23*9; high tops=24*5
    VANS: Old Skool=29*5; Sk8-Hi=32*4; Authentic Lo=21*5
    UGG Australia: Bailey Button=54*5; Classic Short=58*5; Classic Tall=66*4; slippers=37*3;
    Bailey Bow=62*3
    Birkenstock: Arizona=53*4; Gizeh=52*2
    Timberland: 6 inch=68*5; Dr. Martens: 1460=66*3
    TOMS: Classics=17*6; wedges=22*2
    Tory Burch: Miller=86*3; Reva=66*2; riding boots=118
    Steve Madden: combat boots=30*4; Carrson booties=28*4
    Sperrys: Top-Sider=26*4
    Hunter: rain boots=66*3; Christian Louboutin: Pigalle=270*0.7; So Kate=340*0.5
bags | Women's Handbags + Women's Accessories/Wallets + Bags and Purses | 0.38
    Louis Vuitton: Neverfull=560*0.7; Speedy 25=330; Speedy 30=345; Alma=410*0.5; Pochette=210*2;
    Zippy=300*0.5;
    Sarah wallet=220; Favorite=430*0.3; Palm Springs=1150*0.1
    Coach: Legacy=76*3; Poppy=46*4; Swagger=128*2; corner zip wristlet=26*8;
    signature crossbody=62*7; Ashley=68*3;
    Madison=74*3
    Michael Kors: Jet Set=76*9; Hamilton=94*5; Selma=112*5; double zip wristlet=35*6; Fulton=62*3;
    Cindy=70*2;
    Ava=82*3
    Kate Spade: Cedar Street=84*4; Cameron=78*2; Stacy wallet=49*3; Wellesley=72*2;
    cosmetic pouch=31*2
    Vera Bradley: Weekender=41*2; Hipster=20*4; duffel=37*3; zip id=11*5; lunch bag=13*3;
    Glenna tote=21*5
    Gucci: Marmont=620*0.4; Soho Disco=540*0.4; Sherry tote=270; Chanel: Classic Flap=1500*0.2;
    WOC=950*0.2
    Dooney & Bourke: zip zip satchel=82*4; drawstring=66*3; Longchamp: Le Pliage=54*5;
    Fjällräven: Kånken=52*3
    Tory Burch: Robinson=122*3; Ella tote=92*2; Rebecca Minkoff: Mini MAC=72*3;
    Victoria's Secret: striped weekender=25*4
    PINK: campus backpack=34*6; mini backpack=30*3; belt bag=19*2; MCM: Stark backpack=360*0.4
watches | Watches | 0.45
    Michael Kors: Runway=78*6; Parker=86*4; Lexington=82*3; Bradshaw=84*2
    Apple: Watch Sport=175*3; Watch Series 1=190*2; Watch Series 2=265*2
    Fossil: Grant=52*3; Riley=48*2; Casio: G-Shock=56*6; Invicta: Pro Diver=57*4;
    Rolex: Datejust=1650*0.1
    -: smart watch=19*8; geneva=9*7; digital watch=12*3
jewelry | Jewelry | 0.30
    Kendra Scott: Elle=39*5; Danielle=42*4; Rae=41*4; Elisa=36*4; Alex=42*2; Skylar=38*2
    ALEX AND ANI: expandable bangle=16*9; PANDORA: Moments charm=24*9; Moments bracelet=46*4;
    ring set=36*3;
    essence=28*2
    Tiffany & Co.: Return to Tiffany=112*3; bean necklace=118*2; toggle=138; 1837 ring=94
    David Yurman: cable bracelet=215; James Avery: changeable charm=32*3; Lokai: beads=8*4
    -: velvet choker=6*15; mood ring=5*3; ear cuff=6*3; statement necklace=13*6;
    engagement ring=24*5;
    tennis bracelet=25*2
makeup | Beauty/Makeup + Tools & Acc | 0.56
    Kylie Cosmetics: lip kit=25*8; Kyshadow=35*4; Valentine collection=44*2; matte lipstick=19*4;
    Kyliner=23*2
    Urban Decay: Naked=31*5; Naked 2=31*4; Naked 3=33*4; Naked Heat=38*2; All Nighter=17*4;
    Vice lipstick=12*4;
    24/7 liner=11*4; primer potion=10*4
    Too Faced: Chocolate Bar=31*4; Sweet Peach=39*4; Better Than Sex=11*7; Hangover=13*3;
    Melted=12*4
    Tarte: Shape Tape=19*6; Tartelette=27*4; Lights Camera=11*3; Amazonian clay=17*5; lip paint=12*4
    Anastasia Beverly Hills: Modern Renaissance=35*4; Contour Kit=25*3; Glow Kit=27*4; DipBrow=13*4
    MAC: Ruby Woo=12*10; Studio Fix=16*5; Fix Plus=13*3; single shadow=10*5; pigment=12*3;
    Lipglass=11*3
    Kat Von D: Tattoo Liner=11*4; Shade and Light=30*3; Everlasting=12*5; Lock It=19*2
    Morphe Cosmetics: 35O=18*3; 350=19*2; Jaclyn Hill=33*2; brush set=20*2
    Benefit: They're Real=12*4; Hoola=17*3; Porefessional=13*4; NARS: Orgasm=18*4;
    Radiant concealer=17*3
    Sephora: Pro palette=25*3; lip stain=9*3; sample bag=17*6; NYX: Soft Matte=5*6;
    butter gloss=5*4; Lingerie=7*4
    ColourPop: Ultra Matte=7*4; Super Shock=6*4; Maybelline: Fit Me=6*6; Age Rewind=6*4;
    Great Lash=5*3
    SeneGence: LipSense=20*7; gloss=16*3; Younique: 3D mascara=18*5; e.l.f.: studio brush=5*4;
    lip exfoliator=5*2
    Jeffree Star: Velour=15*4; Skin Frost=26*2; Fenty Beauty: Trophy Wife=27; Pro Filt'r=29
    Becca: Champagne Pop=23*3; beautyblender®: sponge=12*3; Clinique: Chubby Stick=9*3;
    Almost Powder=16
    -: false lashes=7*10; makeup bag=10*4; nail polish set=13*4; sponge set=6*4;
    12 pc brush set=11*7
skin | Skin Care + Bath & Body + Hair Care | 0.42
    Bath & Body Works: body lotion=9*6; signature gel=9*5; body cream=10*5; hand soap=7*4;
    pocketbac=7*4
    Lush: Intergalactic bomb=10*5; Mask of Magnaminty=16*2; Sleepy lotion=34;
    GLAMGLOW: Youthmud=29*3;
    Supermud=31*2
    Rodan + Fields: Redefine=72*3; Lash Boost=92*2; Unblemish=66; eye cream=41*2;
    Clarisonic: Mia 2=72*3
    Clinique: Dramatically Different=15*4; Moisture Surge=19*3; Mario Badescu: facial spray=9*3;
    drying lotion=12*2
    Kiehl's: midnight recovery=26*2; Origins: Drink Up=14*2;
    Estee Lauder: Advanced Night Repair=34*4
    Victoria's Secret: body mist=10*5; DevaCurl: No-Poo=21*2; Olaplex: No 3=24*3;
    Redken: Extreme=17*3
    -: jade roller=12; charcoal mask=8*7; african black soap=9*3; hair extensions=43*5; wig=29*5;
    retinol serum=15*4
fragrance | Fragrance | 0.55
    Chanel: No 5=66*3; Coco Mademoiselle=76*4; Chance=69*4; Bleu=72*2;
    Victoria's Secret: Bombshell=25*8;
    Love Spell=12*6; Tease=22*5; Pure Seduction=11*4; Angel=24*3;
    Bath & Body Works: 3 wick candle=16*9;
    fine mist=10*7; wallflower=9*4; MARC JACOBS: Daisy=42*4; Decadence=46*2;
    Juicy Couture: Viva la Juicy=33*5
    Yves Saint Laurent: Black Opium=54*3; Dolce & Gabbana: Light Blue=38*4;
    Versace: Bright Crystal=38*3; Eros=48
    Jo Malone: cologne=57*3; Burberry: Brit=34*3; Ariana Grande: Ari=29*3; Creed: Aventus=165*0.7
    Sephora: perfume sampler=21*5; Yankee Candle: large jar=18*4; Clinique: Happy=24*3;
    Pink Sugar: edt=20*2
toys | Kids/Toys + Toy/ + Sci-Fi | 0.52
    Funko: Pop=12*9; Pop exclusive=22*5; Mystery Mini=9*3; Dorbz=8*2;
    American Girl ®: 18 inch doll=67*4;
    outfit=23*4
    LEGO: Star Wars set=32*4; minifigure=9*5; Friends set=18*3; bulk lot=28*3;
    Disney: tsum tsum=9*5; store plush=13*5
    MGA Entertainment: LOL Surprise=15*7; LOL big surprise=92*0.5; Spin Master: Hatchimal=46*3;
    Zoomer=38
    Moose Toys: Shopkins=9*6; Mattel®: Barbie=13*6; Monster High=14*5;
    Littlest Pet Shop: lps cat=10*5
    Hot Wheels: redline=17*2; car lot=14*3; Ty: beanie boo=8*5; beanie baby=9*4;
    Build-A-Bear: bear=15*4
    Elmers: clear slime=8*8; butter slime=10*5; cloud slime=11*3; Nerf: blaster=15*3;
    Fisher-Price: Little People=13*5
    -: squishy=10*9; fidget spinner=5*8; fidget cube=7*3; puzzle=9*4; kendama=17; fingerling=26*3;
    yoyo=9
cards | Trading Cards | 0.55
    Pokemon: EX card=9*6; GX card=11*5; booster box=82; card lot=13*6; Charizard=29*3;
    code cards=5*4; full art=12*3
    Konami: yugioh lot=15*3; -: rookie card=9*5; baseball lot=12*4; autograph card=24*2;
    magic lot=17*2
home | Home/ | 0.30
    Rae Dunn: LL mug=17*9; canister=39*3; plate set=34*3; cookie jar=58; dipper=13*2; dog bowl=29*2;
    cellar=33*2
    Starbucks: tumbler=20*5; city mug=16*5; cold cup=17*3; Yeti: Rambler=28*3; Keurig: K-Cups=17*4;
    K50=62
    KitchenAid: stand mixer=175; attachment=42; Instant Pot: Duo=68; Pyrex: mixing bowl=27*3;
    Cinderella=34*2
    Scentsy: warmer=20*5; wax bar=6*6; buddy=24*2; Yankee Candle: jar=17*4;
    Tupperware: bowl set=19*3
    -: mermaid blanket=21*3; essential oil diffuser=23*4; string lights=12*4; led candle=12*2;
    weighted blanket=58*0.5;
    wall decal=10*5; throw pillow cover=11*5; picture frame=11*4; succulent=12*3; mason jar=10*4;
    tapestry=15*5
gear | Kids/Gear + Diapering + Feeding + Strollers + Car Seats + Nursery | 0.40
    Medela: Pump in Style=62*2; bottles=14*3; Ergobaby: 360=78; Tula: carrier=82*2;
    bumGenius: Freetime=12*3
    Similac: Pro-Advance=19*5; coupons=6*5; Enfamil: NeuroPro=20*4; Gentlease=22*3;
    Boppy: lounger=19*2;
    Owlet: sock=145*0.4
    aden & anais: swaddle=24*3; Graco: SnugRide=49; Dr. Brown's: bottle set=13*3;
    Skip Hop: diaper bag=31*3
fitness | Exercise + Outdoors | 0.55
    Fitbit: Charge 2=84*4; Charge HR=43*4; Alta=54*3; Flex=26*4; Blaze=92*2; band=9*5;
    Garmin: vivofit=42*2
    Hydro Flask: 32oz bottle=27*2; Yeti: tumbler=29*3; -: waist trainer=16*7; yoga mat=16*3;
    resistance bands=11*3;
    dumbbells=24*2; jump rope=7*2; fishing lures=11*3; hammock=21*2; tent=42
office | Office + Daily & Travel + Pet | 0.45
    Scotch: tape=8*2; HP: ink cartridge=21*3; Gillette: Fusion razors=19*4; Venus=12*3;
    Crest: whitestrips=27*4
    -: poly mailers=9*9; bubble mailers=9*8; thermal labels=12*4; sticker sheet=4*8; planner=22*4;
    washi tape=7*6;
    pen set=8*5; vitamins=14*4; protein powder=27*3; toothpaste=8*3; coupons=6*3; dog collar=11*3;
    cat toy=7*2
books | Books + DVD + Blu-Ray + CD + VHS | 0.45
    -: box set=23*6; Potter books=15*4; textbook=29*5; Disney movie=12*6; complete series=24*5;
    comic lot=16*3;
    coloring book=8*4; study guide=17*3; season 1=11*4; signed copy=21*2; bible=14*3; cookbook=11*4;
    kpop album=16*3
"""
