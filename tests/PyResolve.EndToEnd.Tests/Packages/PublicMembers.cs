using System.Reflection;

namespace PyResolve.EndToEnd.Tests.Packages;

/// <summary>What other assemblies can see of one, by the names that the compiler gives members in XML documentation.</summary>
internal static class PublicMembers
{
    private const BindingFlags All =
        BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;

    public static HashSet<string> Of(Assembly assembly) => [.. assembly.GetExportedTypes().SelectMany(Of)];

    private static IEnumerable<string> Of(Type type)
    {
        var name = type.FullName!.Replace('+', '.');
        yield return $"T:{name}";
        foreach (var member in type.GetMembers(All))
        {
            var id = member switch
            {
                FieldInfo { IsPublic: true } or FieldInfo { IsFamily: true } => $"F:{name}.{member.Name}",
                EventInfo { AddMethod: { } add } when IsVisible(add) => $"E:{name}.{member.Name}",
                PropertyInfo property when property.GetAccessors(nonPublic: true).Any(IsVisible) =>
                    $"P:{name}.{member.Name}{Parameters(property.GetIndexParameters())}",
                ConstructorInfo constructor when IsVisible(constructor) => $"M:{name}.#ctor{Parameters(constructor.GetParameters())}",
                MethodInfo method when IsVisible(method) =>
                    $"M:{name}.{member.Name}{Arity(method)}{Parameters(method.GetParameters())}{Result(method)}",
                _ => null,
            };
            if (id is not null)
                yield return id;
        }
    }

    private static bool IsVisible(MethodBase method) => method.IsPublic || method.IsFamily || method.IsFamilyOrAssembly;

    private static string Arity(MethodInfo method) => method.IsGenericMethod ? $"``{method.GetGenericArguments().Length}" : "";

    /// <summary>Conversions differ by it alone.</summary>
    private static string Result(MethodInfo method) =>
        method.Name is "op_Implicit" or "op_Explicit" ? $"~{IdOf(method.ReturnType)}" : "";

    private static string Parameters(ParameterInfo[] parameters) => parameters.Length == 0
        ? ""
        : $"({string.Join(',', parameters.Select(static parameter => IdOf(parameter.ParameterType)))})";

    private static string IdOf(Type type)
    {
        if (type.IsByRef)
            return IdOf(type.GetElementType()!) + "@";
        if (type.IsArray)
            return IdOf(type.GetElementType()!) + "[]";
        if (type.IsGenericParameter)
            return (type.IsGenericMethodParameter ? "``" : "`") + type.GenericParameterPosition;
        if (!type.IsGenericType)
            return type.FullName!.Replace('+', '.');
        var name = type.GetGenericTypeDefinition().FullName!;
        return $"{name[..name.IndexOf('`', StringComparison.Ordinal)]}{{{string.Join(',', type.GetGenericArguments().Select(IdOf))}}}";
    }
}
