namespace Orchestrator.Worker.Models;

/// <summary>The heads of a fused projection [tokens, q k v].</summary>
internal readonly record struct ProjectedHeads(HeadRange Queries, HeadRange Keys, HeadRange Values)
{
    /// <summary>Columns of the projection.</summary>
    public int Columns => Queries.Columns + Keys.Columns + Values.Columns;

    public static ProjectedHeads Of(int heads, int keyHeads, int headDim) => new(
        new HeadRange(0, keyHeads, heads / keyHeads, headDim),
        new HeadRange(heads, keyHeads, 1, headDim),
        new HeadRange(heads + keyHeads, keyHeads, 1, headDim));
}
