using System.Numerics;
using Orchestrator.Coordinator.Templates.Evaluation;
using Orchestrator.Coordinator.Templates.Values;

namespace Orchestrator.Coordinator.Templates.Methods;

/// <summary>The attributes and methods of int, bool and float.</summary>
internal static class NumberMethods
{
    private static readonly Parameters NoParameters = Parameters.Of("number method", "/");

    public static Value? OfInteger(BigInteger number, string name) => name switch
    {
        "real" or "numerator" => IntValue.Of(number),
        "imag" => IntValue.Of(0),
        "denominator" => IntValue.Of(1),
        "bit_length" => Make(() => IntValue.Of((int)BigInteger.Abs(number).GetBitLength())),
        "bit_count" => Make(() => IntValue.Of(BigInteger.PopCount(BigInteger.Abs(number)))),
        "conjugate" => Make(() => IntValue.Of(number)),
        "as_integer_ratio" => Make(() => new TupleValue([IntValue.Of(number), IntValue.Of(1)])),
        _ => null,
    };

    public static Value? OfFloat(FloatValue self, string name) => name switch
    {
        "real" => self,
        "imag" => new FloatValue(0),
        "is_integer" => Make(() => BoolValue.Of(double.IsFinite(self.Number) && Math.Floor(self.Number) == self.Number)),
        "conjugate" => Make(() => self),
        "hex" or "as_integer_ratio" => Make(() => throw new TemplateException(TemplateErrorKind.Unsupported, $"float.{name} is not supported")),
        _ => null,
    };

    private static FunctionValue Make(Func<Value> body) => new("builtin_function_or_method", NoParameters, _ => body());
}
