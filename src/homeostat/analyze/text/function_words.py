"""Words that carry grammar and no matter, of four languages."""

from __future__ import annotations

from typing import Final

# What every text holds.
STOP: Final = frozenset(
    """
    a an the this that these those there here it its itself he she they them his her hers their theirs him i me my mine we us our ours you your
    yours who whom whose which what when where why how is am are was were be been being do does did done doing have has had having will would
    shall should can could may might must and or but if then than so as at by for from in into of off on onto out over to up upon with about
    between through too very just also even still yet such both each either neither not no nor only own same some any all most more one ones get
    gets got let make made go going s t re ve ll d m yes sure please etc e g i'm it's that's per via der die das den dem des ein eine einen
    einem einer eines und oder ist sind war wird werden zu zum zur im auf aus bei mit nach von vom vor für es er sie wir ihr ich sich nicht auch
    nur wie wann wo wer man kann hat haben sein el la los las un una unos unas y o son de del al en con por para que se su sus lo le les si más
    como está hay une du et ou est sont à au aux dans par pour qui ne pas sa ses ce cette il elle nous vous ils
    """.split()  # noqa: SIM905  (as a text it is read, and changed, more easily)
)
# What turns a sentence to its opposite.
NEGATORS: Final = frozenset(
    """
    not no never none nobody nothing nowhere neither nor without cannot hardly nicht kein keine keinen keiner nie niemals ohne nunca ningún
    ninguna sin jamás ne pas jamais aucun aucune sans
    """.split()  # noqa: SIM905  (as a text it is read, and changed, more easily)
)
