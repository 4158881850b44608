namespace Orchestrator.Worker.Commit;

/// <summary>Where a worker's state is mirrored.</summary>
internal enum MirrorKind
{
    /// <summary>The other replicas of its stage hold the same state.</summary>
    None,

    /// <summary>In another worker's host memory.</summary>
    Peer,

    /// <summary>It is alone: in a file of its cache.</summary>
    File,
}

/// <summary>Who mirrors whose state: a pure function of the layout.</summary>
internal static class MirrorRule
{
    /// <summary>Where the state of a rank is mirrored, and by which rank.</summary>
    /// <param name="rank">replica * stages + stage.</param>
    /// <param name="numReplicas">Replicas of the layout.</param>
    /// <param name="numStages">Stages of the layout.</param>
    public static (MirrorKind Kind, uint Partner) PartnerOf(uint rank, int numReplicas, int numStages)
    {
        if (numReplicas > 1)
            return (MirrorKind.None, rank);
        return numStages > 1 ? (MirrorKind.Peer, (rank + 1) % (uint)numStages) : (MirrorKind.File, rank);
    }

    /// <summary>Whose state a rank holds for another one; null: nobody's.</summary>
    public static uint? MirroredBy(uint rank, int numReplicas, int numStages) =>
        numReplicas == 1 && numStages > 1 ? (rank + (uint)numStages - 1) % (uint)numStages : null;
}
