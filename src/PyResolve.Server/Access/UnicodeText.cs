using System.Globalization;
using System.Text;

namespace PyResolve.Server.Access;

/// <summary>
/// Unicode normalization (UAX #15). <c>string.Normalize</c> returns its input unchanged where the runtime has no ICU, which the server does
/// not need for anything else.
/// </summary>
internal static class UnicodeText
{
    private const int HangulBase = 0xAC00;
    private const int LeadBase = 0x1100;
    private const int VowelBase = 0x1161;
    private const int TailBase = 0x11A7;
    private const int LeadCount = 19;
    private const int VowelCount = 21;
    private const int TailCount = 28;
    private const int HangulCount = LeadCount * VowelCount * TailCount;

    private static readonly Lazy<Tables> All = new(Tables.Read);

    /// <summary>Converts to form C: one spelling of each text that looks and means the same.</summary>
    public static string Compose(string text) => Normalize(text, compatible: false);

    /// <summary>Converts to form KC: also one spelling of characters that differ only in their look, such as full-width letters.</summary>
    public static string ComposeCompatible(string text) => Normalize(text, compatible: true);

    private static string Normalize(string text, bool compatible)
    {
        if (Ascii.IsValid(text))
            return text;
        var tables = All.Value;
        var points = new List<int>(text.Length);
        foreach (var rune in text.EnumerateRunes())
            tables.Decompose(rune.Value, compatible, points);
        Sort(points, tables);
        Compose(points, tables);
        var result = new StringBuilder(points.Count);
        foreach (var point in points)
            result.Append(new Rune(point).ToString());
        return result.ToString();
    }

    /// <summary>Sorts by combining class, stably, within each run of characters that combine with the one before them.</summary>
    private static void Sort(List<int> points, Tables tables)
    {
        for (var i = 1; i < points.Count; i++)
        {
            var (point, combiningClass) = (points[i], tables.ClassOf(points[i]));
            if (combiningClass == 0)
                continue;
            var to = i;
            for (; to > 0 && tables.ClassOf(points[to - 1]) > combiningClass; to--)
                points[to] = points[to - 1];
            points[to] = point;
        }
    }

    private static void Compose(List<int> points, Tables tables)
    {
        var (starter, lastClass, length) = (-1, 0, 0);
        for (var i = 0; i < points.Count; i++)
        {
            var point = points[i];
            var combiningClass = tables.ClassOf(point);
            var isBlocked = starter < length - 1 && (lastClass == 0 || lastClass >= combiningClass);
            if (starter >= 0 && !isBlocked && tables.TryCompose(points[starter], point, out var composed))
            {
                points[starter] = composed;
                continue;
            }

            if (combiningClass == 0)
                starter = length;
            lastClass = combiningClass;
            points[length++] = point;
        }

        points.RemoveRange(length, points.Count - length);
    }

    private sealed class Tables
    {
        private readonly Dictionary<int, int[]> _canonical = [];
        private readonly Dictionary<int, int[]> _compatible = [];
        private readonly Dictionary<(int First, int Second), int> _pairs = [];
        private readonly Dictionary<int, int> _classes = [];

        /// <summary>
        /// Reads lines of <c>D</c> and <c>K</c>, a character and its full decomposition; <c>C</c>, a character and the pair that composes
        /// to it; <c>R</c>, a range and its combining class. Numbers of characters are hexadecimal.
        /// </summary>
        public static Tables Read()
        {
            var tables = new Tables();
            using var reader = new StreamReader(typeof(UnicodeText).Assembly.GetManifestResourceStream("data/normalization.txt")!);
            while (reader.ReadLine() is { } line)
                tables.Add(line[0], line[2..].Split(' '));
            return tables;
        }

        public int ClassOf(int point) => _classes.GetValueOrDefault(point);

        public void Decompose(int point, bool compatible, List<int> to)
        {
            if (point - HangulBase is var syllable and >= 0 and < HangulCount)
            {
                to.Add(LeadBase + (syllable / (VowelCount * TailCount)));
                to.Add(VowelBase + (syllable / TailCount % VowelCount));
                if (syllable % TailCount is > 0 and var tail)
                    to.Add(TailBase + tail);
            }
            else if ((compatible && _compatible.TryGetValue(point, out var parts)) || _canonical.TryGetValue(point, out parts))
            {
                to.AddRange(parts);
            }
            else
            {
                to.Add(point);
            }
        }

        public bool TryCompose(int first, int second, out int composed)
        {
            if (first - LeadBase is var lead and >= 0 and < LeadCount && second - VowelBase is var vowel and >= 0 and < VowelCount)
            {
                composed = HangulBase + (((lead * VowelCount) + vowel) * TailCount);
                return true;
            }

            if (first - HangulBase is var syllable and >= 0 and < HangulCount && syllable % TailCount == 0
                && second - TailBase is > 0 and < TailCount and var tail)
            {
                composed = first + tail;
                return true;
            }

            return _pairs.TryGetValue((first, second), out composed);
        }

        private void Add(char kind, string[] fields)
        {
            var points = Array.ConvertAll(kind is 'R' ? fields[..2] : fields, Parse);
            switch (kind)
            {
                case 'D':
                    _canonical.Add(points[0], points[1..]);
                    break;
                case 'K':
                    _compatible.Add(points[0], points[1..]);
                    break;
                case 'C':
                    _pairs.Add((points[1], points[2]), points[0]);
                    break;
                default:
                    for (var point = points[0]; point <= points[1]; point++)
                        _classes.Add(point, int.Parse(fields[2], CultureInfo.InvariantCulture));
                    break;
            }
        }

        private static int Parse(string text) => int.Parse(text, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
    }
}
