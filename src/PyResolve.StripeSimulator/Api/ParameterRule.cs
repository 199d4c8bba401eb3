using System.Globalization;

namespace PyResolve.StripeSimulator.Api;

/// <summary>The rule for one parameter and its members, in the notation of <see cref="ParameterTable"/>.</summary>
internal sealed class ParameterRule(string name)
{
    /// <summary>The year 3000: adding a period to a later one would overflow.</summary>
    private const long LatestInstant = 32_503_680_000;

    private const int LongestMetadata = 500;

    private readonly Dictionary<string, ParameterRule> _members = new(StringComparer.Ordinal);

    public string Name => name;

    public bool IsRequired { get; private set; }

    public bool IsUnsettable { get; private set; }

    /// <summary><c>text</c>, <c>int</c>, <c>bool</c>, <c>time</c>, <c>range</c>, <c>map</c>, or the allowed values: <c>a|b</c>.</summary>
    public string Type { get; private set; } = "text";

    public IReadOnlyDictionary<string, ParameterRule> Members => _members;

    private bool IsList => _members.ContainsKey("[]");

    public static ParameterRule Parse(IEnumerable<string> tokens)
    {
        var root = new ParameterRule("");
        foreach (var token in tokens)
            root.Add(token);
        return root;
    }

    public void Check(Form form)
    {
        foreach (var (member, value) in form.Members)
        {
            var rule = IsList ? _members["[]"] : _members.GetValueOrDefault(member);
            if (rule is null || (IsList && !int.TryParse(member, NumberStyles.None, CultureInfo.InvariantCulture, out _)))
                throw ApiErrorException.UnknownParameter(value.Name);
            rule.CheckValue(value);
        }

        foreach (var rule in _members.Values)
        {
            if (rule.IsRequired && !form.Has(rule.Name))
                throw ApiErrorException.MissingParameter(form.Name.Length == 0 ? rule.Name : $"{form.Name}[{rule.Name}]");
        }
    }

    private void Add(string token)
    {
        var node = this;
        var path = token.Split(':')[0].TrimEnd('?').Replace("{}", "", StringComparison.Ordinal);
        foreach (var segment in path.Replace("]", "", StringComparison.Ordinal).Split('['))
        {
            var member = segment.Length == 0 ? "[]" : segment.TrimEnd('*');
            if (!node._members.TryGetValue(member, out var next))
                node._members[member] = next = new ParameterRule(member);
            next.IsRequired |= segment.EndsWith('*');
            node = next;
        }

        node.IsUnsettable = token.EndsWith('?');
        node.Type = token.Contains("{}", StringComparison.Ordinal) ? "map" : token.Split(':') is [_, var type] ? type.TrimEnd('?') : "text";
    }

    private void CheckValue(Form form)
    {
        if (form.Value is not { } value)
            CheckMembers(form);
        else if (value.Length == 0 && !IsUnsettable)
            throw ApiErrorException.Malformed(
                $"You passed an empty string for '{form.Name}'. We assume empty values are an attempt to unset a parameter; "
                + $"however '{form.Name}' cannot be unset.",
                form.Name,
                "parameter_invalid_empty");
        else if (_members.Count > 0 || Type == "map")
            RequireUnset(form, value);
        else if (value.Length > 0)
            CheckScalar(form.Name, value);
    }

    private void CheckMembers(Form form)
    {
        if (Type == "map")
        {
            foreach (var member in form.Members.Values)
            {
                CheckMetadata(member);
            }
        }
        else if (Type == "range")
        {
            foreach (var (bound, limit) in form.Members)
            {
                if (bound is not ("gt" or "gte" or "lt" or "lte"))
                    throw ApiErrorException.UnknownParameter(limit.Name);
                CheckScalar(limit.Name, limit.Value ?? "");
            }
        }
        else if (_members.Count == 0)
        {
            throw ApiErrorException.Malformed($"Invalid string: {form.Name}", form.Name);
        }
        else
        {
            Check(form);
        }
    }

    private static void CheckMetadata(Form member)
    {
        if (member.Value is not { } value)
            throw ApiErrorException.Malformed($"Invalid string: {member.Name}", member.Name);
        if (value.Length > LongestMetadata)
        {
            throw ApiErrorException.Malformed(
                $"Metadata values can have up to {LongestMetadata} characters, but you passed in a value that is {value.Length} "
                + "characters.",
                member.Name);
        }
    }

    private static void RequireUnset(Form form, string value)
    {
        if (value.Length > 0)
            throw ApiErrorException.Malformed(
                $"Invalid {(form.Name.EndsWith("[]", StringComparison.Ordinal) ? "array" : "object")}", form.Name);
    }

    private void CheckScalar(string param, string value)
    {
        switch (Type)
        {
            case "text":
                break;
            case "time" or "range" when long.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var instant)
                && instant <= LatestInstant:
                break;
            case "time" or "range":
                throw ApiErrorException.Malformed(
                    $"Invalid timestamp: {value}. It must be Unix seconds.", param, "parameter_invalid_integer");
            case "int" when !long.TryParse(value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out _):
                throw ApiErrorException.Malformed($"Invalid integer: {value}", param, "parameter_invalid_integer");
            case "int":
                break;
            case "bool" when value is not ("true" or "false"):
                throw ApiErrorException.Malformed($"Invalid boolean: {value}", param);
            case "bool":
                break;
            default:
                if (!Type.Split('|').Contains(value, StringComparer.Ordinal))
                    throw ApiErrorException.UnknownValue(param, Type.Split('|'));
                break;
        }
    }
}
