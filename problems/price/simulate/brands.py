"""The well-known brands of each family, how common they are and what their name is worth.

    family | branded listings, named below or not
        brand=weight,log-price effect; ...

Names, weights (rounded counts) and effects (mean log-price against the category, shrunken by three
listings) come from 7,979 public listings of 2017. The rest of a family's weight belongs to the tail
of small brands, whose names and effects are generated.
"""

TABLE = """
accessory | 198
    Michael Kors=23,+0.59; Coach=16,+0.27; Vera Bradley=14,-0.31; Kate Spade=13,+0.53;
    PINK=12,+0.03; Ray-Ban=10,+0.58; Nike=8,+0.00; New Era=6,-0.09; Tory Burch=6,+0.74;
    Louis Vuitton=5,+1.11; Fossil=4,+0.39; Gucci=4,+0.62; Victoria's Secret=4,+0.03;
    Disney=4,-0.23; Chanel=4,+0.56; Supreme=3,+0.20; Burberry=2,+1.22; Volcom=2,-0.13;
    Ralph Lauren=2,-0.03; HERMES=2,+0.13; Lululemon=2,+0.56; Hello Kitty=2,-0.24;
    Oakley=2,+0.17; Under Armour=2,-0.22; Customized & Personalized=2,+0.31;
    Betsey Johnson=2,-0.32; Quay Australia=2,+0.32; Tommy Hilfiger=2,-0.00; Cole Haan=1,+0.25;
    Dooney & Bourke=1,+0.43; UGG Australia=1,+0.39; Steve Madden=1,-0.19; Adidas=1,+0.06;
    Juicy Couture=1,-0.06; Brighton=1,-0.05; Air Jordan=1,+0.46; Miss Me=1,+0.22;
    vineyard vines=1,+0.19; Brandy Melville=1,+0.13; Fashion Nova=1,+0.02; Nintendo=1,+0.21;
    Polo Ralph Lauren=1,-0.04; Harley-Davidson=1,+0.01; VANS=1,-0.32; Wet Seal=1,-0.43;
    NFL=1,-0.28
active | 478
    PINK=85,+0.03; Nike=63,+0.00; LuLaRoe=55,+0.35; Lululemon=52,+0.56;
    Victoria's Secret=46,+0.03; Under Armour=25,-0.22; Independent=19,+0.43; Hollister=9,-0.34;
    Gymshark=9,+0.59; FOREVER 21=9,-0.51; lululemon athletica=8,+0.52; Adidas=8,+0.06;
    Aeropostale=7,-0.48; American Eagle=7,-0.25; Athleta=7,-0.21; Reebok=6,-0.17;
    Champion=4,-0.43; Columbia=3,-0.17; Abercrombie & Fitch=3,-0.17; XOXO=2,-0.33;
    Old Navy=2,-0.32; Express=2,-0.31; No Boundaries=2,-0.52; Customized & Personalized=2,+0.31;
    patagonia=2,+0.35; Calvin Klein=2,+0.10; Lilly Pulitzer=2,+0.48; Levi's®=1,-0.20;
    Urban Outfitters=1,+0.09; Brandy Melville=1,+0.13; Maurices=1,-0.12; Rock Revival=1,+0.85;
    The North Face=1,+0.35; Fashion Nova=1,+0.02; Charlotte Russe=1,-0.27; Merona=1,-0.50;
    Polo Ralph Lauren=1,-0.04; adidas Originals=1,+0.58; rue=1,-0.32; Xhilaration=1,-0.49;
    Free People=1,+0.04; Rue21=1,-0.36; H&M=1,-0.39; Michael Kors=1,+0.59; PUMA=1,+0.48
apparel | 1160
    PINK=156,+0.03; Victoria's Secret=133,+0.03; LuLaRoe=105,+0.35; FOREVER 21=65,-0.51;
    American Eagle=40,-0.25; Brandy Melville=29,+0.13; Hollister=25,-0.34;
    Charlotte Russe=21,-0.27; Old Navy=19,-0.32; The North Face=19,+0.35; H&M=17,-0.39;
    Miss Me=15,+0.22; Xhilaration=14,-0.49; Express=12,-0.31; Independent=11,+0.43;
    Lilly Pulitzer=11,+0.48; Calvin Klein=10,+0.10; Torrid=9,+0.11; Rock Revival=9,+0.85;
    vineyard vines=9,+0.19; Fashion Nova=9,+0.02; Free People=9,+0.04; Lululemon=8,+0.56;
    Nike=8,+0.00; Urban Outfitters=8,+0.09; Levi's®=8,-0.20; Abercrombie & Fitch=8,-0.17;
    rue=7,-0.32; patagonia=7,+0.35; ZARA=7,+0.01; Bebe=6,+0.20; Rue21=6,-0.36;
    Acacia Swimwear=5,+0.79; Silver Jeans Co.=5,-0.03; GUESS=5,-0.12;
    New York & Company=5,-0.04; Under Armour=5,-0.22; Harley-Davidson=5,+0.01; Mossimo=5,-0.19;
    Gap=5,-0.22; Aeropostale=5,-0.48; Disney=5,-0.23; American Apparel=5,+0.05;
    Customized & Personalized=5,+0.31; Target=4,-0.29; No Boundaries=4,-0.52;
    Jessica Simpson=4,-0.12; White House Black Market=4,-0.13; Hollister Co.=4,-0.35;
    Columbia=4,-0.17; Kendall & Kylie=4,-0.23; J. Crew=4,-0.19; Ann Taylor LOFT=4,+0.04;
    Buckle=4,-0.02; Hot Topic=4,-0.37; lululemon athletica=3,+0.52; Adidas=3,+0.06;
    Banana Republic=3,-0.29; Volcom=3,-0.13; Affliction=3,+0.20; LA Idol=3,+0.01;
    Missguided=3,+0.05; Maurices=3,-0.12; Lucky Brand=3,-0.04; Wet Seal=3,-0.43; Mudd=3,-0.29;
    Tommy Hilfiger=3,-0.00; Lane Bryant=3,-0.11; Michael Kors=3,+0.59; The Limited=3,-0.12;
    Faded Glory=2,-0.34; Motherhood Maternity=2,-0.17; aerie=2,-0.15; Ivory Ella=2,+0.04;
    Buffalo David Bitton=2,-0.16; Disney Collection=2,+0.15; Kenneth Cole New York=2,-0.01;
    Sinful By Affliction=2,+0.01; Ambiance Apparel=2,-0.10; YMI=2,-0.25;
    Polo Ralph Lauren=2,-0.04; VANS=2,-0.32; Francesca's Collections=2,+0.02;
    BCBGMAXAZRIA=2,+0.44; Ralph Lauren=2,-0.03; Fox Racing=2,-0.15;
    Nick & Nora=2,-0.11; Daytrip=2,-0.08; Arden B=2,+0.07; Merona=2,-0.50; dELiA*s=2,-0.07;
    Ann Taylor=2,-0.20; Lauren Ralph Lauren=2,+0.05; Aéropostale=2,-0.07; Tobi=2,-0.15;
    AG Adriano Goldschmied=2,+0.21; Big Star=2,+0.30; dressbarn=2,-0.09; Windsor=2,-0.12;
    Eileen Fisher=2,+0.35; Juicy Couture=2,-0.06; Gildan=2,-0.18; Paige Denim=2,+0.07;
    Vera Bradley=1,-0.31; Athleta=1,-0.21; Stussy=1,+0.16; Betsey Johnson=1,-0.32
bags | 205
    Michael Kors=31,+0.59; Coach=31,+0.27; Victoria's Secret=22,+0.03; Vera Bradley=14,-0.31;
    PINK=13,+0.03; Kate Spade=12,+0.53; Dooney & Bourke=9,+0.43; Louis Vuitton=7,+1.11;
    Fossil=5,+0.39; Betsey Johnson=4,-0.32; Chanel=4,+0.56; Tory Burch=3,+0.74;
    MARC BY MARC JACOBS=3,+0.15; Gucci=3,+0.62; Lululemon=2,+0.56; Burberry=2,+1.22;
    Juicy Couture=2,-0.06; Hello Kitty=2,-0.24; UGG Australia=1,+0.39;
    Polo Ralph Lauren=1,-0.04; Under Armour=1,-0.22; VANS=1,-0.32; The North Face=1,+0.35;
    Lucky Brand=1,-0.04; Merona=1,-0.50; Brighton=1,-0.05; Banana Republic=1,-0.29;
    Adidas=1,+0.06; FOREVER 21=1,-0.51; Calvin Klein=1,+0.10; Disney=1,-0.23; Nike=1,+0.00
case | 74
    Apple=49,+0.46; Samsung=11,+0.66; PopSockets=7,-0.59; LG=3,+0.32; Beats by Dr. Dre=2,+0.75
collectible | 104
    Pokemon=15,+0.08; Funko=15,+0.44; Disney=8,-0.23; Nintendo=5,+0.21; Sony=5,-0.06;
    Mattel®=4,+0.16; Pyrex=3,-0.07; Marvel=3,-0.01; NFL=2,-0.28;
    Victoria's Secret=2,+0.03; Star Wars=2,+0.38; MLB=2,+0.17; Littlest Pet Shop=2,-0.28;
    DC Comics=2,+0.00; Dooney & Bourke=2,+0.43; Vera Bradley=1,-0.31; Harley-Davidson=1,+0.01;
    Ray-Ban=1,+0.58; Michael Kors=1,+0.59; Stamped=1,+0.49; No Boundaries=1,-0.52;
    Coach=1,+0.27; Brighton=1,-0.05; LEGO=1,+0.08; PINK=1,+0.03; Fisher-Price=1,+0.21;
    Starbucks=1,-0.20; American Eagle=1,-0.25; Hot Topic=1,-0.37; FOREVER 21=1,-0.51;
    Xbox=1,+0.02
device | 63
    Apple=14,+0.46; Samsung=6,+0.66; Beats by Dr. Dre=6,+0.75; Fuji=5,-0.06; JBL=3,+0.32;
    Bose=3,+0.71; Beats=3,+0.35; Sony=3,-0.06; Razer=2,-0.01; ASUS=2,+0.18;
    AmazonBasics=2,+0.20; Roku=2,-0.07; Nikon=2,+0.66; HP=2,+1.18; LG=1,+0.32
fragrance | 83
    Victoria's Secret=35,+0.03; Bath & Body Works=19,-0.13; Sephora=8,+0.04; Chanel=4,+0.56;
    MARC JACOBS=4,+0.10; Clinique=2,-0.04; Estee Lauder=2,+0.16; Yves Saint Laurent=2,+0.30;
    Avon=1,-0.13; MAC=1,+0.37
game | 135
    Nintendo=70,+0.21; Sony=31,-0.06; Xbox=30,+0.02; Microsoft=3,-0.30
gear | 51
    Similac=4,+0.15; aden & anais=3,+0.02; Skip Hop=3,-0.11; Infantino=2,-0.41; Playtex=2,+0.07;
    bumGenius=2,+0.00; Medela=2,+0.54; Munchkin=2,-0.21; All=2,+0.28; Disney=2,-0.23;
    Enfamil=2,+0.16; Fisher-Price=1,+0.21; Carter's=1,-0.02
home | 135
    Rae Dunn=57,+0.35; Scentsy=13,+0.30; Bath & Body Works=8,-0.13; Starbucks=6,-0.20;
    Target=4,-0.29; Disney=4,-0.23; Keurig=4,+0.26; Yankee Candle=4,+0.15; Pyrex=3,-0.07;
    Hamilton Beach=2,-0.26; Lilly Pulitzer=2,+0.48; Home Interiors=2,-0.03; Hallmark=2,-0.16;
    Black & Decker=2,-0.07; Tupperware=2,-0.06; Avon=1,-0.13; Vera Bradley=1,-0.31;
    Harley-Davidson=1,+0.01
jewelry | 118
    Kendra Scott=26,+1.10; ALEX AND ANI=16,+0.22; PANDORA=11,+0.53; FOREVER 21=9,-0.51;
    Tiffany & Co.=4,+0.79; Stamped=4,+0.49; Hot Topic=4,-0.37; 
    Brighton=3,-0.05; Chanel=3,+0.56; Juicy Couture=3,-0.06; James Avery=3,+0.43;
    Kate Spade=3,+0.53; Coach=2,+0.27; Independent=2,+0.43; David Yurman=2,+1.11; GUESS=1,-0.12;
    Gucci=1,+0.62; Customized & Personalized=1,+0.31; Betsey Johnson=1,-0.32;
    Banana Republic=1,-0.29; Charlotte Russe=1,-0.27; Ann Taylor LOFT=1,+0.04; H&M=1,-0.39;
    New York & Company=1,-0.04
kidswear | 251
    Nike=74,+0.00; Carter's=38,-0.02; Old Navy=24,-0.32; Gap=21,-0.22; Ralph Lauren=13,-0.03;
    Disney=13,-0.23; Gymboree=11,+0.01; Osh Kosh B'gosh=7,-0.22; UGG Australia=7,+0.39;
    The North Face=6,+0.35; Children's Place=5,-0.30; Justice=4,-0.03; Levi's®=3,-0.20;
    The Children's Place=3,-0.04; Crocs=2,-0.17; Tommy Hilfiger=2,-0.00; Arizona=2,-0.17;
    Hanna Anderson=2,+0.27; Gerber=2,-0.04; Converse=2,-0.16; Abercrombie & Fitch=2,-0.17;
    Columbia=1,-0.17; H&M=1,-0.39; NFL=1,-0.28; Under Armour=1,-0.22; Adidas=1,+0.06
makeup | 477
    Sephora=46,+0.04; Too Faced=39,+0.10; Urban Decay=35,+0.21; Tarte=29,+0.29; MAC=23,+0.37;
    Kylie Cosmetics=18,+0.36; Maybelline=17,-0.30; Kat Von D=15,+0.23; Mary Kay=15,-0.16;
    NYX=14,-0.22; Anastasia Beverly Hills=14,-0.03; SeneGence=14,+0.62; Smashbox=12,+0.01;
    Clinique=11,-0.04; L'Oreal=10,-0.42; e.l.f.=9,-0.38; Estee Lauder=8,+0.16; Benefit=8,-0.23;
    IT Cosmetics=8,+0.04; Nars=7,-0.04; Younique=7,+0.11; Wet n Wild=7,-0.50;
    ColourPop Cosmetics=6,-0.14; Morphe Cosmetics=5,+0.41; Chanel=5,+0.56;
    Bare Escentuals=5,-0.16; Victoria's Secret=5,+0.03; Bath & Body Works=4,-0.13;
    Milani=4,-0.18; Avon=4,-0.13; Ulta=4,+0.19; Revlon=4,-0.21; Bonne Bell=3,-0.49;
    Physicians Formula=3,-0.22; Jeffree Star Cosmetics=3,+0.06; Mac Cosmetic=3,+0.17;
    Lancome=3,-0.11; Bobbi Brown=3,+0.14; Lorac=3,+0.04; Yves Saint Laurent=3,+0.30;
    Lime Crime=3,-0.09; CoverGirl=3,-0.31; Christian Dior=3,+0.06; Pur Minerals=3,+0.02;
    Stila=3,+0.04; Neutrogena=2,-0.13; Hello Kitty=2,-0.24; MARC JACOBS=2,+0.10; Conair=2,+0.21;
    Sally Hansen=2,-0.23; bareMinerals=2,-0.06; Laura Geller=2,-0.03
mens_shoes | 126
    Nike=34,+0.00; Air Jordan=20,+0.46; Adidas=15,+0.06; Jordan=8,+0.22; Converse=6,-0.16;
    VANS=6,-0.32; Jordans=5,-0.04; Timberland=4,+0.19; Saucony=3,-0.04; Cole Haan=3,+0.25;
    New Balance=2,-0.22; Polo Ralph Lauren=2,-0.04; DIESEL=2,-0.01; Air Force=2,+0.01;
    Harley-Davidson=1,+0.01; Steve Madden=1,-0.19; Calvin Klein=1,+0.10; Reebok=1,-0.17;
    adidas Originals=1,+0.58; UGG Australia=1,+0.39
menswear | 221
    Nike=31,+0.00; Polo Ralph Lauren=16,-0.04; Adidas=14,+0.06; vineyard vines=6,+0.19;
    PINK=6,+0.03; Under Armour=5,-0.22; Majestic=5,+0.17; American Eagle=5,-0.25;
    Hot Topic=5,-0.37; Levi's®=5,-0.20; patagonia=4,+0.35; Tommy Hilfiger=4,-0.00;
    Burberry=4,+1.22; FOREVER 21=4,-0.51; Calvin Klein=4,+0.10; Stussy=4,+0.16; Dickies=3,-0.18;
    VANS=3,-0.32; The North Face=3,+0.35; Urban Outfitters=3,+0.09; Old Navy=3,-0.32;
    Ralph Lauren=3,-0.03; Thrasher Magazine=3,+0.03; H&M=3,-0.39; Harley-Davidson=3,+0.01;
    Volcom=2,-0.13; Nintendo=2,+0.21; Aeropostale=2,-0.48; Abercrombie & Fitch=2,-0.17;
    Diamond Supply Co.=2,-0.00; Express=2,-0.31; Hollister=2,-0.34; NFL=2,-0.28;
    Rock Revival=2,+0.85; Supreme=2,+0.20; Metal Mulisha=2,+0.00; Champion=2,-0.43;
    American Fighter=2,+0.29; RVCA=2,+0.00; L.L. Bean=2,-0.12; Affliction=2,+0.20;
    Banana Republic=1,-0.29; Lucky Brand=1,-0.04; Air Jordan=1,+0.46; Michael Kors=1,+0.59;
    PUMA=1,+0.48; American Apparel=1,+0.05; Silver Jeans Co.=1,-0.03; Lululemon=1,+0.56;
    GUESS=1,-0.12; Independent=1,+0.43
phone | 38
    Apple=25,+0.46; Samsung=8,+0.66; LG=2,+0.32; HTC=2,+0.41
shoes | 290
    Nike=53,+0.00; Converse=16,-0.16; UGG Australia=12,+0.39; Adidas=11,+0.06;
    Steve Madden=11,-0.19; VANS=11,-0.32; PINK=10,+0.03; Michael Kors=8,+0.59;
    Charlotte Russe=7,-0.27; Timberland=6,+0.19; PUMA=5,+0.48; Hunter=5,+0.77; TOMS=5,-0.08;
    Mossimo=5,-0.19; Coach=4,+0.27; Tory Burch=4,+0.74; adidas Originals=4,+0.58;
    Sperry=4,-0.09; New Balance=4,-0.22; J. Crew=3,-0.19; Birkenstock=3,+0.26; SKECHERS=3,-0.11;
    ALDO=3,-0.11; Victoria's Secret=3,+0.03; Nine West=3,-0.12; Frye=3,+0.46; JustFab=2,-0.06;
    ASICS=2,-0.02; FOREVER 21=2,-0.51; Gucci=2,+0.62; Justin=2,+0.17; Dr. Martens=2,+0.10;
    American Eagle=2,-0.25; Louis Vuitton=2,+1.11; Roxy=2,-0.27; Sanuk=2,-0.16; Reebok=2,-0.17;
    BCBGeneration=2,+0.23; Cole Haan=2,+0.25; Kate Spade=2,+0.53; GUESS=1,-0.12;
    Banana Republic=1,-0.29; Urban Outfitters=1,+0.09; Wet Seal=1,-0.43; Gap=1,-0.22;
    Maurices=1,-0.12; ZARA=1,+0.01; Old Navy=1,-0.32; Merona=1,-0.50; Free People=1,+0.04;
    Aeropostale=1,-0.48; Lucky Brand=1,-0.04; rue=1,-0.32; Target=1,-0.29; Burberry=1,+1.22;
    H&M=1,-0.39; Independent=1,+0.43; Betsey Johnson=1,-0.32
skin | 109
    Bath & Body Works=35,-0.13; Sephora=16,+0.04; Victoria's Secret=10,+0.03; Lush=10,+0.22;
    Ulta=6,+0.19; Avon=4,-0.13; Estee Lauder=3,+0.16; Clinique=3,-0.04; Kiehl's=3,+0.09;
    Lancome=3,-0.11; eos=2,-0.32; Origins=2,+0.19; Mary Kay=2,-0.16; L'Oreal=1,-0.42;
    Younique=1,+0.11; SeneGence=1,+0.62; Urban Decay=1,+0.21; Benefit=1,-0.23
sport | 52
    Nike=11,+0.00; Under Armour=8,-0.22; Fitbit=8,+0.75; Adidas=5,+0.06; Titleist=3,-0.07;
    Reebok=2,-0.17; Capezio=2,-0.23; PINK=1,+0.03; patagonia=1,+0.35
supplies | 45
    Gillette=4,-0.14; HP=3,+1.18; Crest=3,-0.04; Schick=2,-0.02; Oral B=2,+0.10; Tampax=2,-0.04;
    Office Depot=2,+0.09; Dove=2,-0.18
toys | 165
    Funko=25,+0.44; American Boy & Girl=15,+0.51; Disney=15,-0.23; Elmers=9,-0.39;
    Littlest Pet Shop=8,-0.28; LEGO=7,+0.08; MGA Entertainment=6,+0.05; American Girl ®=6,+0.41;
    Spin Master=4,+0.64; Marvel=4,-0.01; Fisher-Price=4,+0.21; Mattel®=4,+0.16;
    Leap Frog=3,-0.05; Hasbro=3,+0.04; My Little Pony=3,-0.08; Moose Toys=3,+0.06;
    Konami=2,-0.39; Mega Bloks=2,+0.09; Ganz=2,-0.04; Disney Tsum Tsum=2,-0.37;
    Disney Pixar Cars=2,-0.18; Baby Einstein=2,+0.09; Hot Wheels=2,-0.04; Dreamworks=2,-0.30;
    Pokemon=2,+0.08; Hello Kitty=1,-0.24
"""

# Houses that the small public sample holds too few listings of. Weights per 1,000 branded listings
# and log-price effects: assumed.
LUXURY = """
bags
    Louis Vuitton=12,+1.49; Gucci=5.2,+1.15; Chanel=3,+1.61; Prada=3.8,+1.02; HERMES=1.5,+1.87;
    Christian Dior=2.2,+1.02; Saint Laurent=2.2,+1.36; Fendi=2.2,+1.10; Balenciaga=1.5,+1.44;
    Chloé=1.5,+1.10;
    CELINE=1.5,+1.36; MCM=3,+1.10; Longchamp=4.5,+0.26; Rebecca Minkoff=6,+0.34; Fjällräven=3,+0.26
shoes
    Christian Louboutin=4.5,+1.44; Gucci=3,+1.10; Valentino Garavani=1.5,+1.19; Jimmy Choo=2.2,+0.85
jewelry
    Tiffany & Co.=10.5,+1.19; David Yurman=4.5,+1.44; Cartier=1.5,+1.44; HERMES=1.5,+1.19;
    John Hardy=1.5,+1.10
accessory
    Rolex=1.5,+2.04; Louis Vuitton=6.8,+1.27; Gucci=5.2,+0.94; Prada=3,+0.77; HERMES=1.5,+1.36;
    TAG Heuer=1.5,+1.44
mens_shoes
    Yeezy=4.5,+0.85; Gucci=2.2,+0.85; Christian Louboutin=1.5,+1.19; Balenciaga=1.5,+1.02
"""
