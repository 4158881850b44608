namespace Orchestrator.Coordinator.Templates.Syntax;

internal sealed partial class Parser
{
    private MacroStatement ParseMacro(Token at)
    {
        var name = ParseFreeName().Text;
        var signature = ParseSignature();
        var body = Isolated(() => ParseFrame("endmacro"));
        return new MacroStatement(name, MakeMacro(signature, body, at), at.Line, at.Column);
    }

    private CallStatement ParseCallBlock(Token at)
    {
        var signature = _stream.Current.IsOperator("(") ? ParseSignature() : MacroSignature.Empty;
        if (ParseExpression() is not CallExpression call)
        {
            throw Fail("expected call", at);
        }

        var body = Isolated(() => ParseFrame("endcall"));
        return new CallStatement(call, MakeMacro(signature, body, at), at.Line, at.Column);
    }

    private FilterStatement ParseFilterBlock(Token at)
    {
        var filter = ParseFilter(null);
        while (_stream.SkipOperator("|"))
        {
            filter = ParseFilter(filter);
        }

        return new FilterStatement(filter, ParseFrame("endfilter"), at.Line, at.Column);
    }

    private GenerationStatement ParseGeneration(Token at)
    {
        var body = Isolated(() => ParseFrame("endgeneration"));
        return new GenerationStatement(MakeMacro(MacroSignature.Empty, body, at), at.Line, at.Column);
    }

    private MacroSignature ParseSignature()
    {
        var parameters = new List<NameTarget>();
        var defaults = new List<Expression>();
        _stream.ExpectOperator("(");
        while (!_stream.Current.IsOperator(")"))
        {
            if (parameters.Count > 0)
            {
                _stream.ExpectOperator(",");
            }

            var name = ParseFreeName();
            if (_stream.SkipOperator("="))
            {
                defaults.Add(ParseExpression());
            }
            else if (defaults.Count > 0)
            {
                throw Fail("non-default argument follows default argument");
            }

            if (parameters.Exists(p => p.Name == name.Text))
            {
                throw Fail($"duplicate argument {Values.StrValue.Quote(name.Text)} in function definition", name);
            }

            parameters.Add(new NameTarget(name.Text, name.Line, name.Column));
        }

        _stream.ExpectOperator(")");
        return new MacroSignature(parameters, defaults);
    }

    /// <summary>A name that is no constant's.</summary>
    private Token ParseFreeName()
    {
        var name = _stream.ExpectName();
        return IsConstantName(name.Text) ? throw Fail("can't assign to 'name'", name) : name;
    }

    private MacroBody MakeMacro(MacroSignature signature, FrameBody body, Token at)
    {
        var used = UndeclaredNames.Of(body.Statements, "caller", "kwargs", "varargs");
        var names = signature.Parameters.Select(p => p.Name).ToList();
        var explicitCaller = names.IndexOf("caller");
        if (used.Contains("caller") && explicitCaller >= 0 && signature.Default(explicitCaller) is null)
        {
            throw Fail("When defining macros or call blocks the special \"caller\" argument must be omitted or be given a default.", at, TemplateErrorKind.Assertion);
        }

        return new MacroBody(signature, body, used.Contains("caller"), used.Contains("kwargs") && !names.Contains("kwargs"), used.Contains("varargs") && !names.Contains("varargs"));
    }
}
