"""Slurm's short words in sentences, with what helps: why a job waits, and why one was refused."""

from __future__ import annotations

import re

from dhc.text import one_line

AGAIN = "then stop the run and resume it"  # a job keeps the settings that it was submitted with
NO_ROOM = f"it asks for more cores, GPUs, memory or time than its partition has: lower that on Machines, {AGAIN}"
FULL = "Slurm takes no more jobs of this user now"  # how a refusal begins that passes by itself
HELD = "it is held back: `scontrol release {job}` lets it go on, or an administrator does"
WAITS = (  # the first that matches the whole reason counts
    ("|None|Cleaning|Prolog", "Slurm is about to look at it"),
    ("Resources", "no machine has room for it just now: it begins as soon as one has"),
    ("Priority", "other jobs come before it in Slurm's queue"),
    ("JobArrayTaskLimit", "as many runs of its sweep run as Slurm's settings on Machines allow at once"),
    ("BeginTime", "Slurm begins it {when}"),
    (
        "DependencyNeverSatisfied",
        "it waits for a job that has failed, so it will never begin: stop the run and resume it",
    ),
    ("Dependency", "it waits for another job to end"),
    ("JobHeldUser|JobHeldAdmin|.*requeued held", HELD),
    (
        "ReqNodeNotAvail.*|Nodes? required for job .*|NodeDown",
        "the machines that it could run on are down, taken out of use or kept for jobs of higher priority",
    ),
    ("PartitionDown|PartitionInactive", "its partition begins no jobs just now: an administrator has closed it"),
    ("PartitionTimeLimit", f"its time limit is longer than its partition allows: lower it on Machines, {AGAIN}"),
    ("PartitionConfig|PartitionNodeLimit|BadConstraints", NO_ROOM),
    (
        "AccountNotAllowed|InvalidAccount|AccountingPolicy|AssociationNotFound",
        f"its account may not use this partition: choose another one on Machines, {AGAIN}",
    ),
    (
        "InvalidQOS|QOSNotAllowed",
        f"its quality of service may not be used here: choose another one on Machines, {AGAIN}",
    ),
    (
        "(QOS|Assoc|Assn)[A-Za-z]*(Jobs|SubmitJob)[A-Za-z]*",
        "as many jobs as this user or account may have at once are there ({reason}): it begins when one of them has ended",
    ),
    (
        "(QOS|Assoc|Assn)[A-Za-z]*Minutes[A-Za-z]*",
        "the computing time that its account was given is used up ({reason}): ask for more, or choose another account on Machines",
    ),
    (
        "(QOS|Assoc|Assn|MaxGRES|MaxCpu|MaxMem)[A-Za-z/]*",
        "a limit of its user, account or quality of service is reached ({reason}): it begins when jobs that count towards it have ended",
    ),
    ("Licenses", "licences that it needs are all in use"),
    ("Reservation[A-Za-z]*", "the machines are reserved for others until a later time"),
)
REFUSALS = (  # the first that is found in what a command prints to its error output counts
    (
        "nable to contact slurm controller|Connection refused|ommunication connection failure|Socket timed out|Zero Bytes",
        "Slurm's controller does not answer: runs that it has begun go on, and this is tried again",
    ),
    (
        "[Mm]unge|rotocol authentication|uthentication|ncompatible versions",
        "Slurm does not trust this machine ({detail}): start the dashboard on one on which `squeue` works",
    ),
    (
        "artition name|artition specified|artition .*not (?:available|found)",
        "Slurm has no such partition ({detail}): `sinfo` lists those that there are; choose one on Machines",
    ),
    (
        "nvalid account|ccount/partition",
        "the account may not be used, or not in this partition: `sacctmgr show associations user=$USER` lists yours; choose one on Machines",
    ),
    ("nvalid qos|QOS specif", "there is no such quality of service for this account: choose another one on Machines"),
    (
        "MaxSubmitJob|job submit limit|oo many jobs|rray size|rray specification",
        f"{FULL} ({{detail}}): the rest is handed out as runs end",
    ),
    (
        "ime limit|TimeLimit",
        "the time limit of a run is longer than its partition or account allows: lower it on Machines",
    ),
    (
        "ode configuration is not available|emory specification|eneric resource|ount per node|CPU count",
        "no machine of the partition has as many cores, GPUs and as much memory as a run asks for ({detail}): lower that on Machines",
    ),
    ("accounting/QOS policy", "a limit of the account or its quality of service forbids this ({detail})"),
    (
        "ermission denied|ser not found|nvalid user",
        "Slurm does not let this user in ({detail}): an administrator can add them",
    ),
    (
        "ot(?: currently)? accepting|artition.*(?:down|inactive|drain)",
        "the partition takes no jobs just now ({detail})",
    ),
)


def waiting(reason: str, *, job: str = "", start: str = "") -> str:
    """Why a job waits, in a sentence without its full stop; `start` is when it may begin, as Slurm writes that."""
    word = reason.strip("()")
    for pattern, words in WAITS:
        if re.fullmatch(pattern, word):
            return words.format(reason=word, job=job, when=_when(start))
    return f"Slurm gives as its reason: {one_line(word, 150)}"


def refusal(errors: str) -> str:
    """What Slurm's command complains of, in a sentence that says what helps."""
    lines = [re.sub(r"^\w+: (?:error|fatal): ", "", line.strip()) for line in errors.splitlines() if line.strip()]
    detail = one_line(lines[0] if lines else "it gave no reason", 150)
    for pattern, words in REFUSALS:
        if re.search(pattern, errors):
            return words.format(detail=detail)
    return f"Slurm refused this: {detail}"


def _when(start: str) -> str:
    """``at 19:05`` of ``2026-11-26T19:05:00``: the cluster's clock, which is not compared with ours."""
    found = re.fullmatch(r"\d{4}-\d\d-\d\dT(\d\d:\d\d):\d\d", start)
    return f"at {found[1]} by the cluster's clock, or later" if found else "later"
