"""The most frequent function words of a few languages, as evidence where names outweigh the rest.

"The capital of Tranland is Tolstad." is English whatever its names look like.
"""

from collections.abc import Mapping

_LISTS = {
    "cs": """a aby ale ani byl byla bylo být co což další do i jak jako je jeho jejich její jen jsem
        jsou již k kde kdy která které který ke mezi na nebo není než o od po pod podle pro proto
        protože při s se si tak také to tím u už v ve však z za ze že""",
    "de": """aber alle als am auch auf aus bei bin bis bist das dass dein dem den der des dich die
        dies diese dieser dieses doch dort du durch ein eine einem einen einer eines er es euch
        für gegen haben hat hatte ich ihm ihn ihr ihre im in ist ja kann kein keine können mein mich
        mir mit nach nein nicht noch nur oder sein seine sich sie sind so über um und uns unter vom
        von vor war waren warum was wenn wer werden wie wir wird wo würde zu zum zur""",
    "en": """a about after all am an and any are can't don't i'm it's that's you're
         as at be because been but by can could did do does for
        from had has have he her his how i if in into is it its just me more my no not of on one
        only or other our out she should so than that the their them then there these they this
        those to up us was we were what when where which who why will with would you your""",
    "es": """al algo aquí así como con cuando de del desde donde el ella ellos en entre era es esta
        este esto está están fue ha hay la las le les lo los más me mi muy ni no nos o para pero
        por porque que quien se sea ser si sin sobre son su sus también te tiene todo un una uno
        unos y ya yo""",
    "fr": """au aussi aux avec avez c'est ce ces cette comme dans de des dont du elle elles en est
        et être eu fait il ils je l'on la le les leur lui mais même mes moi mon ne nous on ou où
        par pas plus pour qu'il quand que qui sa sans ses si son sont sur ta te tout très tu un
        une vos votre vous y été""",
    "it": """al alla allo anche che chi ci col come con cui da dal dalla dei del della delle di dove
        e era gli ha hanno ho i il in io la le lei lo loro lui ma mi mia mio ne nei nel nella non
        o per perché più quando quella quello questa questo se sei si siamo sono su sua sul sulla
        suo ti tra un una uno è""",
    "nl": """aan als bij dan dat de deze die dit door dus een en er geen haar had hebben heeft heb
        het hier hij hoe ik in is je kan maar me meer met mijn moet na naar niet nog nu of om ook
        onder onze op over te tot u uit van veel voor wat we wel werd wie wij wordt ze zich zij
        zijn zo zou""",
    "pl": """ale bo być był była było by co czy dla do gdy go i ich im ja jak jako jego jej jest
        jeszcze już każdy kiedy która które który lub ma może mnie mi na nie niż o od on ona oni
        po pod przez przy się są ta tak także tam te tego ten to tylko tym u w we więc z za ze
        że""",
    "pt": """ao aos as até com como da das de do dos e ela elas ele eles em entre era essa esse esta
        está eu foi há isso isto já la mais mas me meu minha muito na nas nem no nos não nós o os
        ou para pela pelo por qual quando que quem se sem ser seu sua são só também te tem um uma
        você às é""",
}

FUNCTION_WORDS: Mapping[str, frozenset[str]] = {
    language: frozenset(words.split()) for language, words in _LISTS.items()
}
