using System.Globalization;
using System.Text;

namespace Orchestrator.Coordinator.Templates.Text;

/// <summary>datetime.strftime of a moment without time zone, in the C locale, with glibc's flags and widths.</summary>
internal static class StrfTime
{
    public static string Format(string format, DateTime time)
    {
        var text = new StringBuilder(format.Length * 2);
        for (var i = 0; i < format.Length; i++)
        {
            if (format[i] != '%')
            {
                text.Append(format[i]);
                continue;
            }

            var start = i++;
            var flag = '\0';
            while (i < format.Length && format[i] is '-' or '_' or '0' or '^' or '#')
            {
                flag = format[i++];
            }

            var width = 0;
            while (i < format.Length && char.IsAsciiDigit(format[i]))
            {
                width = Math.Min((width * 10) + (format[i++] - '0'), 255);
            }

            if (i < format.Length && format[i] is 'E' or 'O')
            {
                i++;
            }

            var shown = i < format.Length ? Directive(format[i], time, flag, width) : null;
            text.Append(shown ?? format[start..Math.Min(i + 1, format.Length)]);
        }

        return text.ToString();
    }

    private static string? Directive(char directive, DateTime time, char flag, int width)
    {
        if (Number(directive, time) is var (number, digits, pad))
        {
            var fill = flag switch { '_' => ' ', '0' => '0', _ => pad };
            return number.ToString(CultureInfo.InvariantCulture).PadLeft(flag == '-' ? 0 : Math.Max(digits, width), fill);
        }

        var shown = Name(directive, time) ?? Composite(directive, time);
        if (shown is null)
        {
            return null;
        }

        shown = flag switch
        {
            '^' => shown.ToUpperInvariant(),
            '#' => directive is 'p' or 'Z' ? shown.ToLowerInvariant() : shown.ToUpperInvariant(),
            _ => shown,
        };
        return shown.PadLeft(width, flag == '0' ? '0' : ' ');
    }

    private static (int Number, int Digits, char Pad)? Number(char directive, DateTime time) => directive switch
    {
        'd' => (time.Day, 2, '0'),
        'e' => (time.Day, 2, ' '),
        'H' => (time.Hour, 2, '0'),
        'k' => (time.Hour, 2, ' '),
        'I' => (Hour12(time), 2, '0'),
        'l' => (Hour12(time), 2, ' '),
        'j' => (time.DayOfYear, 3, '0'),
        'm' => (time.Month, 2, '0'),
        'M' => (time.Minute, 2, '0'),
        'S' => (time.Second, 2, '0'),
        'u' => (time.DayOfWeek == DayOfWeek.Sunday ? 7 : (int)time.DayOfWeek, 1, '0'),
        'w' => ((int)time.DayOfWeek, 1, '0'),
        'U' => ((time.DayOfYear + 6 - (int)time.DayOfWeek) / 7, 2, '0'),
        'W' => ((time.DayOfYear + 6 - (((int)time.DayOfWeek + 6) % 7)) / 7, 2, '0'),
        'V' => (ISOWeek.GetWeekOfYear(time), 2, '0'),
        'G' => (ISOWeek.GetYear(time), 1, '0'),
        'g' => (ISOWeek.GetYear(time) % 100, 2, '0'),
        'y' => (time.Year % 100, 2, '0'),
        'Y' => (time.Year, 1, '0'),
        'C' => (time.Year / 100, 2, '0'),
        's' => ((int)Math.Clamp((time - DateTime.UnixEpoch).TotalSeconds, int.MinValue, int.MaxValue), 1, '0'),
        'f' => ((int)(time.Ticks % TimeSpan.TicksPerSecond / 10), 6, '0'),
        _ => null,
    };

    private static string? Name(char directive, DateTime time) => directive switch
    {
        'a' => time.ToString("ddd", CultureInfo.InvariantCulture),
        'A' => time.ToString("dddd", CultureInfo.InvariantCulture),
        'b' or 'h' => time.ToString("MMM", CultureInfo.InvariantCulture),
        'B' => time.ToString("MMMM", CultureInfo.InvariantCulture),
        'p' => time.Hour < 12 ? "AM" : "PM",
        'P' => time.Hour < 12 ? "am" : "pm",
        'n' => "\n",
        't' => "\t",
        '%' => "%",
        'z' or 'Z' => "",
        _ => null,
    };

    private static string? Composite(char directive, DateTime time) => directive switch
    {
        'c' => Format("%a %b %e %H:%M:%S %Y", time),
        'D' or 'x' => Format("%m/%d/%y", time),
        'F' => Format("%Y-%m-%d", time),
        'r' => Format("%I:%M:%S %p", time),
        'R' => Format("%H:%M", time),
        'T' or 'X' => Format("%H:%M:%S", time),
        _ => null,
    };

    private static int Hour12(DateTime time) => time.Hour % 12 == 0 ? 12 : time.Hour % 12;
}
