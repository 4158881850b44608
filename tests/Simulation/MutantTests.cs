namespace Orchestrator.Simulation;

/// <summary>Whether the simulation would notice: one rule is broken in its production source, and a seed must say so.</summary>
public sealed class MutantTests(ITestOutputHelper output)
{
    private const int Seeds = 1_000;

    [Theory]
    [InlineData("Sessions/JobFences.cs", "(scope.Fence < seen.Fence || scope.Generation < seen.Generation)", "scope.Fence > ulong.MaxValue - 1")]
    [InlineData("Commit/AgreementRound.cs", ".FirstOrDefault(child => !_children.ContainsKey(child!.Value));", ".FirstOrDefault(child => child > numRanks);")]
    [InlineData("Commit/StateHistory.cs", "public const int Kept = 2;", "public const int Kept = 1;")]
    [InlineData("Commit/StepCommit.cs", "public bool IsMirrored => !mirrors || _mirrored == ActedStep;", "public bool IsMirrored => !mirrors || _mirrored + 1 >= ActedStep;")]
    public void Rule_Broken_IsCaught(string file, string before, string after)
    {
        var told = Mutant.Run(file, before, after, Seeds);

        Assert.True(told is not null, $"{Seeds} seeds find nothing wrong with {after} in {file}");
        output.WriteLine(string.Join('\n', told.Split('\n').Take(2)));
    }

    [Fact]
    public void Rules_AsTheyAre_HoldInTheSameWay() => Assert.Null(Mutant.Run(file: "", before: "", after: "", seeds: 40));
}
