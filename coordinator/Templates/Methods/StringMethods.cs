using System.Text;
using Orchestrator.Coordinator.Templates.Evaluation;
using Orchestrator.Coordinator.Templates.Filters;
using Orchestrator.Coordinator.Templates.Text;
using Orchestrator.Coordinator.Templates.Values;

namespace Orchestrator.Coordinator.Templates.Methods;

/// <summary>str's methods; counts and places are code points.</summary>
internal static class StringMethods
{
    private static readonly Dictionary<string, Method<StrValue>> Methods = new(StringComparer.Ordinal)
    {
        ["upper"] = Mapping("upper", Casing.Upper),
        ["lower"] = Mapping("lower", Casing.Lower),
        ["casefold"] = Mapping("casefold", Casing.CaseFold),
        ["title"] = Mapping("title", Casing.Title),
        ["capitalize"] = Mapping("capitalize", Casing.Capitalize),
        ["swapcase"] = Mapping("swapcase", Casing.SwapCase),
        ["strip"] = Make("strip", (s, b) => Strip(s, b, left: true, right: true), "/", "chars?"),
        ["lstrip"] = Make("lstrip", (s, b) => Strip(s, b, left: true, right: false), "/", "chars?"),
        ["rstrip"] = Make("rstrip", (s, b) => Strip(s, b, left: false, right: true), "/", "chars?"),
        ["split"] = Make("split", (s, b) => StringSearch.Split(s, b, fromEnd: false), "sep?", "maxsplit?"),
        ["rsplit"] = Make("rsplit", (s, b) => StringSearch.Split(s, b, fromEnd: true), "sep?", "maxsplit?"),
        ["splitlines"] = Make("splitlines", Lines, "keepends?"),
        ["partition"] = Make("partition", (s, b) => StringSearch.Partition(s, b, fromEnd: false), "/", "sep"),
        ["rpartition"] = Make("rpartition", (s, b) => StringSearch.Partition(s, b, fromEnd: true), "/", "sep"),
        ["startswith"] = Make("startswith", (s, b) => StringSearch.HasAffix(s, b, atEnd: false), "/", "prefix", "start?", "end?"),
        ["endswith"] = Make("endswith", (s, b) => StringSearch.HasAffix(s, b, atEnd: true), "/", "suffix", "start?", "end?"),
        ["find"] = Make("find", (s, b) => StringSearch.Find(s, b, fromEnd: false, mustFind: false), "/", "sub", "start?", "end?"),
        ["rfind"] = Make("rfind", (s, b) => StringSearch.Find(s, b, fromEnd: true, mustFind: false), "/", "sub", "start?", "end?"),
        ["index"] = Make("index", (s, b) => StringSearch.Find(s, b, fromEnd: false, mustFind: true), "/", "sub", "start?", "end?"),
        ["rindex"] = Make("rindex", (s, b) => StringSearch.Find(s, b, fromEnd: true, mustFind: true), "/", "sub", "start?", "end?"),
        ["count"] = Make("count", StringSearch.Count, "/", "sub", "start?", "end?"),
        ["replace"] = Make("replace", Replace, "/", "old", "new", "count?"),
        ["join"] = Make("join", Join, "/", "iterable"),
        ["format"] = Make("format", Format, "*", "**"),
        ["format_map"] = Make("format_map", FormatMap, "/", "mapping"),
        ["center"] = Make("center", (s, b) => Keep(s, Padding.Center(s, b.Int(0, 0), Fill(b), b.Budget), b.Budget), "/", "width", "fillchar?"),
        ["ljust"] = Make("ljust", (s, b) => Keep(s, Padding.Left(s, b.Int(0, 0), Fill(b), b.Budget), b.Budget), "/", "width", "fillchar?"),
        ["rjust"] = Make("rjust", (s, b) => Keep(s, Padding.Right(s, b.Int(0, 0), Fill(b), b.Budget), b.Budget), "/", "width", "fillchar?"),
        ["zfill"] = Make("zfill", (s, b) => Keep(s, Padding.Zeros(s, b.Int(0, 0), b.Budget), b.Budget), "/", "width"),
        ["expandtabs"] = Make("expandtabs", (s, b) => Keep(s, Padding.ExpandTabs(s.Text, b.Int(0, 8), b.Budget), b.Budget), "tabsize?"),
        ["encode"] = Make("encode", Encode, "encoding?", "errors?"),
        ["removeprefix"] = Make("removeprefix", (s, b) => s.Text.StartsWith(b.Text(0, "removeprefix()"), StringComparison.Ordinal)
            ? Keep(s, s.Text[b.Text(0, "").Length..], b.Budget) : s, "/", "prefix"),
        ["removesuffix"] = Make("removesuffix", (s, b) => b.Text(0, "removesuffix()") is { Length: > 0 } suffix && s.Text.EndsWith(suffix, StringComparison.Ordinal)
            ? Keep(s, s.Text[..^suffix.Length], b.Budget) : s, "/", "suffix"),
        ["maketrans"] = Make("maketrans", (_, _) => throw new TemplateException(TemplateErrorKind.Unsupported, "str.maketrans is not supported: write the table of translate as a dict"), "*"),
        ["translate"] = Make("translate", Translate, "/", "table"),
        ["isalpha"] = Check("isalpha", StringClasses.IsAlpha),
        ["isalnum"] = Check("isalnum", StringClasses.IsAlnum),
        ["isdigit"] = Check("isdigit", StringClasses.IsDigit),
        ["isdecimal"] = Check("isdecimal", StringClasses.IsDecimal),
        ["isnumeric"] = Check("isnumeric", StringClasses.IsNumeric),
        ["isspace"] = Check("isspace", text => text.Length > 0 && text.All(Characters.IsSpace)),
        ["isascii"] = Check("isascii", text => Ascii.IsValid(text)),
        ["isprintable"] = Check("isprintable", text => Characters.CodePoints(text).All(Characters.IsPrintable)),
        ["isidentifier"] = Check("isidentifier", StringClasses.IsIdentifier),
        ["islower"] = Check("islower", Casing.IsLower),
        ["isupper"] = Check("isupper", Casing.IsUpper),
        ["istitle"] = Check("istitle", Casing.IsTitle),
    };

    public static Value? Find(StrValue self, string name) => Methods.TryGetValue(name, out var method) ? method.Bind(self) : null;

    /// <summary>A paid text of the same class (str or Markup) as the one it was made of.</summary>
    public static StrValue Keep(StrValue source, string text, Budget budget)
    {
        budget.Allocate(text.Length);
        return text.Length == source.Text.Length && text == source.Text ? source : new StrValue(text, source.IsSafe);
    }

    private static Method<StrValue> Make(string name, Func<StrValue, BoundArguments, Value> body, params string[] parameters) =>
        new(Parameters.Of($"str.{name}", parameters), body);

    private static Method<StrValue> Mapping(string name, Func<string, string> map) => Make(
        name,
        (self, bound) =>
        {
            bound.Budget.Allocate(self.Text.Length * 3L);
            return new StrValue(map(self.Text), self.IsSafe);
        },
        "/");

    private static Method<StrValue> Check(string name, Func<string, bool> holds) => Make(
        name,
        (self, bound) =>
        {
            bound.Budget.Step(self.Text.Length >> 4);
            return BoolValue.Of(holds(self.Text));
        },
        "/");

    /// <summary>strip() and its kin; the characters stand at <paramref name="characters"/> of the arguments, where there are any.</summary>
    public static StrValue Strip(StrValue self, BoundArguments bound, bool left, bool right, int characters = 0)
    {
        bound.Budget.Step(self.Text.Length >> 5);
        return Keep(self, Stripping.Strip(self.Text, bound.Optional(characters) is null ? null : bound.Text(characters, "strip"), left, right), bound.Budget);
    }

    private static ListValue Lines(StrValue self, BoundArguments bound)
    {
        bound.Budget.Allocate(self.Text.Length);
        bound.Budget.AllocateElements(self.Text.Length >> 3);
        return new ListValue(Splitting.Lines(self.Text, bound.Truth(0)).ConvertAll(line => (Value)new StrValue(line, self.IsSafe)));
    }

    private static StrValue Replace(StrValue self, BoundArguments bound) => new(
        Replacing.Replace(self.Text, bound.Text(0, "replace()"), self.IsSafe ? Html.Escape(bound[1], bound.Budget).Text : bound.Text(1, "replace()"), bound.Int(2, -1), bound.Budget),
        self.IsSafe);

    private static StrValue Join(StrValue self, BoundArguments bound)
    {
        if (bound[0].Iterate(bound.Budget) is null)
        {
            throw new TemplateException(TemplateErrorKind.Type, "can only join an iterable");
        }

        var parts = bound[0].ToList(bound.Budget).Select((item, index) => item as StrValue
            ?? throw new TemplateException(TemplateErrorKind.Type, $"sequence item {index}: expected str instance, {item.TypeName} found")).ToList();
        return SequenceFilters.Joined(self, self.IsSafe ? parts.ConvertAll(p => Html.Escape(p, bound.Budget)) : parts, self.IsSafe, bound.Budget);
    }

    private static StrValue Format(StrValue self, BoundArguments bound)
    {
        var named = bound.Named;
        return new StrValue(FormatString.Apply(self.Text, bound.Rest, name => named.FirstOrDefault(n => n.Key == name).Value, bound.Context), self.IsSafe);
    }

    private static StrValue FormatMap(StrValue self, BoundArguments bound)
    {
        var (mapping, budget) = (bound[0], bound.Budget);
        return new StrValue(FormatString.Apply(self.Text, [], name => mapping.Item(new StrValue(name), budget), bound.Context), self.IsSafe);
    }

    private static string Fill(BoundArguments bound)
    {
        if (!bound.Has(1))
        {
            return " ";
        }

        var fill = bound.Text(1, "fill character");
        return Characters.Count(fill) == 1 ? fill : throw new TemplateException(TemplateErrorKind.Type, "The fill character must be exactly one character long");
    }

    private static BytesValue Encode(StrValue self, BoundArguments bound)
    {
        var name = bound.Has(0) ? bound.Text(0, "encode()") : "utf-8";
        bound.Budget.Allocate(self.Text.Length * 2L);
        return name.ToLowerInvariant().Replace('_', '-') switch
        {
            "utf-8" or "utf8" => new BytesValue(Encoding.UTF8.GetBytes(self.Text)),
            "ascii" or "us-ascii" when Ascii.IsValid(self.Text) => new BytesValue(Encoding.ASCII.GetBytes(self.Text)),
            "latin-1" or "latin1" or "iso-8859-1" when self.Text.All(c => c < 0x100) => new BytesValue(Encoding.Latin1.GetBytes(self.Text)),
            _ => throw new TemplateException(TemplateErrorKind.Unsupported, $"encode to {StrValue.Quote(name)} is not supported for this text"),
        };
    }

    private static StrValue Translate(StrValue self, BoundArguments bound)
    {
        var result = new StringBuilder(self.Text.Length);
        for (var i = 0; i < self.Text.Length; i += Characters.Width(self.Text, i))
        {
            bound.Budget.Step();
            var part = bound[0].Item(IntValue.Of(Characters.CodePoint(self.Text, i)), bound.Budget) switch
            {
                null => self.Text.Substring(i, Characters.Width(self.Text, i)),
                NoneValue => "",
                StrValue text => text.Text,
                IntValue { Number: var code } when code >= 0 && code <= 0x10FFFF => code < 0x10000 ? ((char)(int)code).ToString() : char.ConvertFromUtf32((int)code),
                _ => throw new TemplateException(TemplateErrorKind.Type, "character mapping must return integer, None or str"),
            };
            bound.Budget.Allocate(part.Length);
            result.Append(part);
        }

        return new StrValue(result.ToString(), self.IsSafe);
    }
}
