using System.Text.Json;
using Orchestrator.Coordinator.Templates;

namespace Orchestrator.Coordinator.Tests.Templates;

/// <summary>Corners of jinja2 3.1.6 and CPython that a template meets rarely; x is given as CTX.</summary>
public sealed class JinjaDetailTests
{
    private static readonly JsonElement Variables = JsonElement.Parse("""{"x": "CTX", "n": null, "l": [1, 2]}""");

    [Theory]
    [InlineData("{{ none[1:] }}|{{ 5[1:] }}|{{ {'a':1}[1:] }}|{{ [1,2]['a':] }}|{{ (1+2)[1:] }}", "||||")]
    [InlineData("{{ none[1:] ~ 'a' }}|{{ none[1:]|default('d') }}|{{ none[1:] is defined }}|{{ (none[1:], 1) }}|{{ none[1:] or 'o' }}", "a|d|False|(Undefined, 1)|o")]
    [InlineData("{{ x[1:] }}|{{ [x][1:] }}|{{ 'abc'[:none] }}", "TX|[]|abc")]
    public void Slice_OfAPrintedConstant_IsUndefinedWhereItCannotBe(string source, string expected) => Assert.Equal(expected, Render(source));

    [Theory]
    [InlineData("{{ n[1:] }}", TemplateErrorKind.Type, "'NoneType' object is not subscriptable")]
    [InlineData("{{ none[1:] + 1 }}", TemplateErrorKind.Type, "'NoneType' object is not subscriptable")]
    [InlineData("{{ none[1:2].foo }}", TemplateErrorKind.Type, "'NoneType' object is not subscriptable")]
    [InlineData("{{ none[1:]|map('upper')|list }}", TemplateErrorKind.Type, "'NoneType' object is not subscriptable")]
    [InlineData("{{ none[1:] ~ x }}", TemplateErrorKind.Type, "'NoneType' object is not subscriptable")]
    [InlineData("{{ l['a':] }}", TemplateErrorKind.Type, "slice indices must be integers or None or have an __index__ method")]
    [InlineData("{{ [1,2][::0] }}", TemplateErrorKind.Value, "slice step cannot be zero")]
    [InlineData("{{ {'a':1}.values() - ['a'] }}", TemplateErrorKind.Type, "unsupported operand type(s) for -: 'dict_values' and 'list'")]
    [InlineData("{{ '{:s}'.format(true) }}", TemplateErrorKind.Value, "Unknown format code 's' for object of type 'bool'")]
    internal void Expression_ThatFails_FailsAsInJinja(string source, TemplateErrorKind kind, string reason)
    {
        var refusal = Assert.Throws<TemplateException>(() => Render(source));
        Assert.Equal((kind, reason), (refusal.Kind, refusal.Reason));
    }

    [Theory]
    [InlineData(@"{{ '\é' }}|{{ '\中' }}|{{ '\😀' }}", @"\xe9|\u4e2d|\U0001f600")]
    [InlineData(@"{{ '\\é' }}|{{ 'é\d' }}", @"\é|é\d")]
    public void Backslash_BeforeACharacterBeyondAscii_LeavesItsEscape(string source, string expected) => Assert.Equal(expected, Render(source));

    [Theory]
    [InlineData("{{ '{:+}'.format(true) }}|{{ '{:<}'.format(true) }}|{{ '{: }'.format(true) }}|{{ '{:d}'.format(true) }}|{{ '{}'.format(true) }}", "+1|1| 1|1|True")]
    [InlineData("{{ '{:5}'.format(true) }}|{{ '{:<5}'.format(true) }}|{{ '{:05}'.format(false) }}", "    1|1    |00000")]
    public void Format_OfATruthWithASpecification_IsThatOfItsNumber(string source, string expected) => Assert.Equal(expected, Render(source));

    [Theory]
    [InlineData("{{ 'x'.encode().decode() }}", "bytes.decode")]
    [InlineData("{{ 'x'.encode().hex() }}", "bytes.hex")]
    [InlineData("{{ 'x'.encode()[1:] }}", "a slice of bytes")]
    [InlineData("{{ {'a':1,'b':2}.keys() - ['a'] }}", "the difference of keys() or items()")]
    [InlineData("{{ ['a'] - {'a':1}.items() }}", "the difference of keys() or items()")]
    public void Construct_ThatIsNotBuilt_IsRefusedByNameWithItsPlace(string source, string name)
    {
        var refusal = Assert.Throws<TemplateException>(() => Render(source));
        Assert.Equal((TemplateErrorKind.Unsupported, 1), (refusal.Kind, refusal.Line));
        Assert.StartsWith(name + " is ", refusal.Reason.Replace(" is a set, and sets are ", " is ", StringComparison.Ordinal), StringComparison.Ordinal);
    }

    private static string Render(string source) => ChatTemplate.Parse(source, "snippet").Render(Variables, TemplateFixtures.Clock).Text;
}
