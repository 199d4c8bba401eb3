using System.Globalization;
using System.Text;

namespace PyResolve.Client;

internal static class TomlText
{
    public static string Key(string key) => IsBare(key) ? key : Quote(key);

    public static string Quote(string value)
    {
        var quoted = new StringBuilder("\"");
        foreach (var c in value)
        {
            _ = c switch
            {
                '"' => quoted.Append("\\\""),
                '\\' => quoted.Append("\\\\"),
                '\n' => quoted.Append("\\n"),
                '\r' => quoted.Append("\\r"),
                '\t' => quoted.Append("\\t"),
                < ' ' or '\u007F' => quoted.Append("\\u").Append(((int)c).ToString("X4", CultureInfo.InvariantCulture)),
                _ => quoted.Append(c),
            };
        }

        return quoted.Append('"').ToString();
    }

    public static bool IsBareCharacter(char c) => c is (>= 'a' and <= 'z') or (>= 'A' and <= 'Z') or (>= '0' and <= '9') or '_' or '-';

    private static bool IsBare(string key)
    {
        foreach (var c in key)
        {
            if (!IsBareCharacter(c))
                return false;
        }

        return key.Length > 0;
    }
}
