namespace Orchestrator.Coordinator.Datasets;

/// <summary>Counts remarks by kind and keeps the first of each.</summary>
/// <remarks>For one thread at a time. Bounded, however many rows are remarkable; merging tallies in the order of the data gives the data's first ones.</remarks>
internal sealed class RemarkTally
{
    private const int MaxKept = 3;
    private const int MaxNames = 40;

    private readonly Dictionary<(RemarkCode Code, string Group), RemarkGroup> _groups = [];

    /// <summary>What was remarked, in the order of the data.</summary>
    public IReadOnlyCollection<RemarkGroup> Groups => _groups.Values;

    /// <param name="code">The kind.</param>
    /// <param name="place">The row.</param>
    /// <param name="text">Part of a sentence.</param>
    /// <param name="rows">How many rows it stands for.</param>
    public void Add(RemarkCode code, RecordPlace place, string text, long rows = 1)
    {
        // What is told of each name is counted by its text.
        var name = code is RemarkCode.UnusedField or RemarkCode.SpecialTokenText ? text : "";
        var key = (code, name);
        if (!_groups.TryGetValue(key, out var group))
        {
            // Names are the data's and without end; kinds are few, and none may be lost to them.
            if (name.Length > 0 && _groups.Count >= MaxNames)
            {
                return;
            }

            _groups.Add(key, group = new RemarkGroup(code));
        }

        group.Count += rows;
        if (group.First.Count < MaxKept)
        {
            group.First.Add(new DataRemark(code, place, text));
        }
    }

    /// <summary>Adds what was remarked of later rows.</summary>
    public void Merge(RemarkTally later)
    {
        foreach (var group in later.Groups)
        {
            for (var i = 0; i < group.First.Count; i++)
            {
                var remark = group.First[i];
                Add(remark.Code, remark.Place, remark.Text, i == 0 ? group.Count - group.First.Count + 1 : 1);
            }
        }
    }

    public void Clear() => _groups.Clear();
}
