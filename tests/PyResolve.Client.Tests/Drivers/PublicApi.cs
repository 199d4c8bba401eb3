using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text.Json.Serialization.Metadata;

namespace PyResolve.Client.Tests.Drivers;

/// <summary>Lists an assembly's public API, one member per line, with its type in front.</summary>
internal static class PublicApi
{
    private const BindingFlags Declared =
        BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;
    private static readonly NullabilityInfoContext Nullability = new();

    /// <summary>Fails with the differences, and the command that approves them, unless the API equals the approved file.</summary>
    public static void ShouldBeApproved(Assembly assembly)
    {
        var approvedPath = typeof(PublicApi).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>()
            .Single(item => item.Key == "PublicApi").Value!;
        var approved = File.Exists(approvedPath) ? File.ReadAllLines(approvedPath) : [];
        var actual = Describe(assembly);
        if (actual.SequenceEqual(approved))
            return;

        var receivedPath = Path.Combine(AppContext.BaseDirectory, "PublicApi.received.txt");
        File.WriteAllLines(receivedPath, actual);
        Assert.Fail(string.Join(
            Environment.NewLine,
            ["The public API changed:", .. approved.Except(actual).Select(line => "- " + line), .. actual.Except(approved)
                .Select(line => "+ " + line),
             $"If that is meant: cp \"{receivedPath}\" \"{approvedPath}\""]));
    }

    private static string[] Describe(Assembly assembly) =>
        [.. assembly.GetExportedTypes().OrderBy(type => type.FullName, StringComparer.Ordinal).SelectMany(Describe)];

    private static IEnumerable<string> Describe(Type type)
    {
        yield return $"{Kind(type)} {type.FullName}{Bases(type)}";
        if (type.IsEnum)
        {
            foreach (var name in Enum.GetNames(type))
                yield return $"{type.FullName}.{name} = {Convert.ToInt32(Enum.Parse(type, name))}";
            yield break;
        }

        var members = type.GetMembers(Declared).Where(IsWritten).Select(Describe).Where(line => line is not null).Distinct()
            .Order(StringComparer.Ordinal);
        foreach (var member in members)
            yield return $"{type.FullName}.{member}";
    }

    private static string Kind(Type type) => type switch
    {
        { IsEnum: true } => "enum",
        { IsInterface: true } => "interface",
        { IsValueType: true } => "struct",
        { IsAbstract: true, IsSealed: true } => "static class",
        { IsAbstract: true } => "abstract class",
        { IsSealed: true } => "sealed class",
        _ => "class",
    };

    private static string Bases(Type type)
    {
        if (type.IsEnum)
            return "";
        var inherited = type.BaseType?.GetInterfaces() ?? [];
        var bases = type.GetInterfaces().Except(inherited).Where(i => !i.Name.StartsWith("IEquatable", StringComparison.Ordinal))
            .Select(Name).Order(StringComparer.Ordinal);
        var all = type.BaseType is { } parent && parent != typeof(object)
            && parent != typeof(ValueType) ? bases.Prepend(Name(parent)) : bases;
        return string.Join(", ", all) is { Length: > 0 } list ? " : " + list : "";
    }

    /// <summary>Members of the JSON source generator are left out.</summary>
    private static bool IsGenerated(PropertyInfo property) => typeof(JsonTypeInfo).IsAssignableFrom(property.PropertyType);

    private static bool IsWritten(MemberInfo member) =>
        member is PropertyInfo { Name: not "EqualityContract" } property && !IsGenerated(property) || member is FieldInfo
            || (member is MethodBase && !member.IsDefined(typeof(CompilerGeneratedAttribute)));

    private static string? Describe(MemberInfo member) => member switch
    {
        FieldInfo field when IsVisible(field.IsPublic, field.IsFamily || field.IsFamilyOrAssembly) =>
            field.IsLiteral
                ? $"{field.Name} : const {Name(field.FieldType)} = {field.GetRawConstantValue()}"
                : $"{field.Name} : {Name(field.FieldType)}",
        PropertyInfo property when Accessors(property) is { Length: > 0 } accessors =>
            $"{property.Name} : {Name(property.PropertyType, Nullability.Create(property))} {{{accessors} }}"
            + (IsStatic(property) ? " static" : ""),
        ConstructorInfo constructor when !constructor.IsStatic && IsVisible(constructor) => $"ctor({Parameters(constructor)})",
        MethodInfo { IsSpecialName: false } method when IsVisible(method) =>
            $"{method.Name}({Parameters(method)}) : {Name(method.ReturnType, Nullability.Create(method.ReturnParameter))}"
            + (method.IsStatic ? " static" : ""),
        _ => null,
    };

    private static string Accessors(PropertyInfo property)
    {
        var get = property.GetMethod is { } getter && IsVisible(getter) ? " get;" : "";
        var isInit = property.SetMethod?.ReturnParameter.GetRequiredCustomModifiers()
            .Any(modifier => modifier.Name == "IsExternalInit") ?? false;
        return property.SetMethod is { } setter && IsVisible(setter) ? get + (isInit ? " init;" : " set;") : get;
    }

    private static bool IsStatic(PropertyInfo property) => (property.GetMethod ?? property.SetMethod)!.IsStatic;

    private static bool IsVisible(MethodBase method) =>
        IsVisible(method.IsPublic, method.IsFamily || method.IsFamilyOrAssembly) && !method.DeclaringType!.IsSubclassOf(typeof(Delegate));

    private static bool IsVisible(bool isPublic, bool isProtected) => isPublic || isProtected;

    private static string Parameters(MethodBase method) => string.Join(", ", method.GetParameters().Select(parameter =>
        $"{Name(parameter.ParameterType, Nullability.Create(parameter))} {parameter.Name}{(parameter.HasDefaultValue ? " =
            " + (parameter.DefaultValue ?? "default") : "")}"));

    private static string Name(Type type) => Name(type, nullability: null);

    private static string Name(Type type, NullabilityInfo? nullability)
    {
        if (Nullable.GetUnderlyingType(type) is { } underlying)
            return Name(underlying) + "?";
        var suffix = !type.IsValueType && nullability?.ReadState == NullabilityState.Nullable ? "?" : "";
        if (!type.IsGenericType)
            return type.Name + suffix;
        var arguments = type.GetGenericArguments()
            .Select((argument, i) => Name(argument, nullability?.GenericTypeArguments.ElementAtOrDefault(i)));
        return $"{type.Name.Split('`')[0]}<{string.Join(", ", arguments)}>{suffix}";
    }
}
