using System.Numerics;

namespace Orchestrator.Coordinator.Templates.Values;

/// <summary>Python's range, of at most 100,000 numbers as the sandbox has it.</summary>
internal sealed class RangeValue(BigInteger start, BigInteger stop, BigInteger step, int length) : Value
{
    public const int MaxLength = 100_000;

    public BigInteger Start => start;

    public BigInteger Stop => stop;

    public BigInteger Step => step;

    public override string TypeName => "range";

    public override bool IsTrue => length > 0;

    public override int? Length => length;

    public static RangeValue Make(BigInteger start, BigInteger stop, BigInteger step)
    {
        if (step.IsZero)
        {
            throw new TemplateException(TemplateErrorKind.Value, "range() arg 3 must not be zero");
        }

        var span = step.Sign > 0 ? stop - start : start - stop;
        var length = span.Sign <= 0 ? BigInteger.Zero : ((span - 1) / BigInteger.Abs(step)) + 1;
        if (length > long.MaxValue)
        {
            throw new TemplateException(TemplateErrorKind.Overflow, "Python int too large to convert to C ssize_t");
        }

        return length <= MaxLength ? new RangeValue(start, stop, step, (int)length)
            : throw new TemplateException(TemplateErrorKind.Overflow, "Range too big. The sandbox blocks ranges larger than MAX_RANGE (100000).");
    }

    public Value At(int index) => IntValue.Of(start + (step * index));

    public override IEnumerable<Value> Iterate(Budget budget) => Enumerable.Range(0, length).Select(At);

    public override Value? Item(Value key, Budget budget) =>
        IntValue.TryGet(key, out var index) && (index < 0 ? index + length : index) is var at && at >= 0 && at < length ? At((int)at) : null;

    public override Value? Attribute(string name) => Methods.RangeMethods.Find(this, name);

    public override void Repr(ReprWriter writer) => writer.Write(step.IsOne ? $"range({start}, {stop})" : $"range({start}, {stop}, {step})");
}
