namespace Orchestrator.Coordinator.Templates.Syntax;

/// <summary>The few Unicode names that a template's \N escape may use.</summary>
/// <remarks>The runtime has no table of character names; others are refused by name.</remarks>
internal static class CharacterNames
{
    private static readonly string[] Digits = ["ZERO", "ONE", "TWO", "THREE", "FOUR", "FIVE", "SIX", "SEVEN", "EIGHT", "NINE"];

    private static readonly Dictionary<string, char> Others = new(StringComparer.OrdinalIgnoreCase)
    {
        ["SPACE"] = ' ',
        ["NO-BREAK SPACE"] = '\u00A0',
        ["LINE FEED"] = '\n',
        ["CARRIAGE RETURN"] = '\r',
        ["LEFT CURLY BRACKET"] = '{',
        ["RIGHT CURLY BRACKET"] = '}',
        ["EN DASH"] = '\u2013',
        ["EM DASH"] = '\u2014',
        ["BULLET"] = '\u2022',
        ["HORIZONTAL ELLIPSIS"] = '\u2026',
        ["LOWER ONE EIGHTH BLOCK"] = '\u2581',
        ["FULLWIDTH VERTICAL LINE"] = '\uFF5C',
    };

    public static char? Find(string name)
    {
        var upper = name.ToUpperInvariant();
        if (upper.StartsWith("DIGIT ", StringComparison.Ordinal))
        {
            var digit = Array.IndexOf(Digits, upper[6..]);
            return digit < 0 ? null : (char)('0' + digit);
        }

        return upper switch
        {
            ['L', 'A', 'T', 'I', 'N', ' ', 'C', 'A', 'P', 'I', 'T', 'A', 'L', ' ', 'L', 'E', 'T', 'T', 'E', 'R', ' ', >= 'A' and <= 'Z' and var c] => c,
            ['L', 'A', 'T', 'I', 'N', ' ', 'S', 'M', 'A', 'L', 'L', ' ', 'L', 'E', 'T', 'T', 'E', 'R', ' ', >= 'A' and <= 'Z' and var c] => char.ToLowerInvariant(c),
            _ => Others.TryGetValue(upper, out var other) ? other : null,
        };
    }
}
