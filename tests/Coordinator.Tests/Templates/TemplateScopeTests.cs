using System.Text.Json;
using Orchestrator.Coordinator.Templates;

namespace Orchestrator.Coordinator.Tests.Templates;

/// <summary>Whose variable a name is, as jinja2 3.1.6 tells before it renders; x is given as CTX, xs as 1, 2, 3.</summary>
public sealed class TemplateScopeTests
{
    private static readonly JsonElement Variables = JsonElement.Parse("""{"x": "CTX", "xs": [1, 2, 3]}""");

    [Theory]
    [InlineData("{% with x='new', y=x %}{{ y }}{% endwith %}", "CTX")]
    [InlineData("{% with a=1, b=a %}[{{ b }}]{% endwith %}", "[]")]
    [InlineData("{% with a=1 %}{% with a=2, b=a %}{{ a }}{{ b }}{% endwith %}{{ a }}{% endwith %}", "211")]
    public void Values_OfWith_DoNotSeeItsNames(string source, string expected) => Assert.Equal(expected, Render(source));

    [Theory]
    [InlineData("{% macro m() %}[{{ x }}]{% endmacro %}{{ m() }}{% set x = 2 %}{{ m() }}", "[][2]")]
    [InlineData("{% for i in [1] %}[{{ x }}]{% endfor %}{% set x = 5 %}", "[]")]
    [InlineData("{% for i in xs %}{% for j in [1] %}[{{ x }}]{% endfor %}{% set x=i %}{% endfor %}", "[][][]")]
    [InlineData("{% filter upper %}{{ x }}{% endfilter %}{% set x='l' %}", "")]
    [InlineData("{% set y %}[{{ x }}]{% endset %}{{ y }}{% set x = 1 %}", "[]")]
    [InlineData("{% with %}[{{ x }}]{% endwith %}{% set x %}l{% endset %}", "[]")]
    [InlineData("{% for i in [1] %}[{{ x }}]{% endfor %}{% macro x() %}{% endmacro %}", "[]")]
    [InlineData("{% macro f() %}[{{ caller() }}]{% endmacro %}{% call f() %}{{ x }}{% endcall %}{% set x = 1 %}", "[]")]
    [InlineData("{% generation %}[{{ x }}]{% endgeneration %}{% set x = 1 %}", "[]")]
    [InlineData("{% for i in [] %}{% else %}{% for j in [1] %}[{{ x }}]{% endfor %}{% set x = 1 %}{% endfor %}", "[]")]
    [InlineData("{% macro f(a=x, x=4) %}{{ a }}{{ x }}{% endmacro %}{{ f() }}", "4")]
    public void Name_SetLaterInTheFrameAround_HasNoValueYet(string source, string expected) => Assert.Equal(expected, Render(source));

    [Theory]
    [InlineData("{% for i in [1] %}[{{ x }}]{% endfor %}{% if xs %}{% set x = 5 %}{% endif %}{{ x }}", "[CTX]5")]
    [InlineData("{{ x }}{% for i in [1] %}[{{ x }}]{% endfor %}{% set x = 5 %}", "CTX[CTX]")]
    [InlineData("{% for i in [1] %}[{{ x }}]{% endfor %}{% set x = x ~ 1 %}{{ x }}", "[CTX]CTX1")]
    [InlineData("{% autoescape x %}{% for i in [1] %}[{{ x }}]{% endfor %}{% set x = 5 %}{% endautoescape %}", "[CTX]")]
    [InlineData("{% macro f(a) %}[{{ a }}{{ caller() }}]{% endmacro %}{% call f(x) %}{{ x }}{% endcall %}{% set x = 5 %}", "[CTXCTX]")]
    [InlineData("{% for i in [1] %}{% set x = i %}{% endfor %}{{ x }}", "CTX")]
    [InlineData("{% set x = 1 %}{% for i in [1] %}{% for j in [1] %}{{ x }}{% endfor %}{% set x = 2 %}{{ x }}{% endfor %}{{ x }}", "121")]
    [InlineData("{% block b %}[{{ x }}]{% endblock %}{% set x = 5 %}{{ self.b() }}", "[CTX][5]")]
    [InlineData("{% for i in [1] %}{% block b scoped %}[{{ x }}{{ i }}]{% endblock %}{% endfor %}{% set x = 5 %}", "[CTX1]")]
    public void Name_ReadFirstOrSetUnderAnIf_HasTheValueOutside(string source, string expected) => Assert.Equal(expected, Render(source));

    /// <summary>The names that jinja2 itself gives a frame are known there from its beginning.</summary>
    [Theory]
    [InlineData("{% block b %}x{% endblock %}{% for i in [1] %}[{{ self.b() }}]{% endfor %}{% set self = 5 %}{{ self }}", "x[x]5")]
    [InlineData("{% set ns = namespace(v=1) %}{% block b %}{% set ns.v = 2 %}{% for i in [1] %}[{{ ns.v }}]{% endfor %}{% set ns = 5 %}{{ ns }}{% endblock %}", "[2]5")]
    [InlineData("{% for i in [7] %}{% set z | default(loop.index, true) %}{% endset %}[{{ z }}]{% endfor %}", "[1]")]
    [InlineData("{% block b %}{% set z | default(super, true) %}{% endset %}[{{ z }}]{% endblock %}", "[]")]
    public void Name_ThatAFrameKnowsFromItsBeginning_HasAValueInTheFramesInside(string source, string expected) => Assert.Equal(expected, Render(source));

    [Fact]
    public void Name_OfASetBlocksFilterThatNothingElseMentions_IsRefusedWithItsPlace()
    {
        var refusal = Assert.Throws<TemplateException>(() => Render("{% set z | default(nowhere) %}{% endset %}"));
        Assert.Equal("Tried to resolve a name to a reference that was unknown to the frame ('nowhere')", refusal.Reason);
        Assert.Equal((1, 20), (refusal.Line, refusal.Column));
    }

    private static string Render(string source) => ChatTemplate.Parse(source, "snippet").Render(Variables, TemplateFixtures.Clock).Text;
}
