using System.Reflection;
using System.Reflection.Metadata;

namespace PublicDocumentation;

/// <summary>What other assemblies can see. Overloads are told apart by the number of their parameters.</summary>
internal sealed class PublicMembers
{
    private readonly MetadataReader _metadata;
    private readonly HashSet<string> _members = new(StringComparer.Ordinal);

    public PublicMembers(MetadataReader metadata)
    {
        _metadata = metadata;
        foreach (var handle in metadata.TypeDefinitions)
        {
            var type = metadata.GetTypeDefinition(handle);
            if (IsVisible(type))
                Add(type, NameOf(type));
        }
    }

    /// <param name="id">Of a member, as the compiler writes it: <c>M:Some.Type.Method``1(System.Int32)</c>.</param>
    public bool Contain(string id)
    {
        var (name, parameters) = id.IndexOf('(', StringComparison.Ordinal) is >= 0 and var start
            ? (id[..start], id[(start + 1)..id.LastIndexOf(')')])
            : (id, "");
        if (name.IndexOf("``", StringComparison.Ordinal) is >= 0 and var generic)
            name = name[..generic];
        return _members.Contains(name[0] is 'M' or 'P' ? $"{name}/{CountParameters(parameters)}" : name);
    }

    private static int CountParameters(string parameters)
    {
        var (commas, depth) = (0, 0);
        foreach (var character in parameters)
        {
            depth += character is '{' or '[' ? 1 : character is '}' or ']' ? -1 : 0;
            commas += character == ',' && depth == 0 ? 1 : 0;
        }

        return parameters.Length == 0 ? 0 : commas + 1;
    }

    private void Add(TypeDefinition type, string name)
    {
        _members.Add($"T:{name}");
        foreach (var field in type.GetFields().Select(_metadata.GetFieldDefinition))
        {
            if (IsVisible((MethodAttributes)(field.Attributes & FieldAttributes.FieldAccessMask)))
                _members.Add($"F:{name}.{_metadata.GetString(field.Name)}");
        }

        foreach (var method in type.GetMethods().Select(_metadata.GetMethodDefinition).Where(IsVisible))
            _members.Add($"M:{name}.{_metadata.GetString(method.Name).Replace('.', '#')}/{CountParameters(method.Signature)}");
        foreach (var property in type.GetProperties().Select(_metadata.GetPropertyDefinition))
        {
            var accessors = property.GetAccessors();
            if (IsVisible(accessors.Getter) || IsVisible(accessors.Setter))
                _members.Add($"P:{name}.{_metadata.GetString(property.Name)}/{CountParameters(property.Signature)}");
        }

        foreach (var @event in type.GetEvents().Select(_metadata.GetEventDefinition))
        {
            if (IsVisible(@event.GetAccessors().Adder))
                _members.Add($"E:{name}.{_metadata.GetString(@event.Name)}");
        }
    }

    private string NameOf(TypeDefinition type)
    {
        var name = _metadata.GetString(type.Name);
        if (!type.GetDeclaringType().IsNil)
            return $"{NameOf(_metadata.GetTypeDefinition(type.GetDeclaringType()))}.{name}";
        return type.Namespace.IsNil ? name : $"{_metadata.GetString(type.Namespace)}.{name}";
    }

    private bool IsVisible(TypeDefinition type) => (type.Attributes & TypeAttributes.VisibilityMask) switch
    {
        TypeAttributes.Public => true,
        TypeAttributes.NestedPublic or TypeAttributes.NestedFamily or TypeAttributes.NestedFamORAssem =>
            IsVisible(_metadata.GetTypeDefinition(type.GetDeclaringType())),
        _ => false,
    };

    private bool IsVisible(MethodDefinitionHandle handle) => !handle.IsNil && IsVisible(_metadata.GetMethodDefinition(handle));

    private static bool IsVisible(MethodDefinition method) => IsVisible(method.Attributes & MethodAttributes.MemberAccessMask);

    private static bool IsVisible(MethodAttributes access) =>
        access is MethodAttributes.Public or MethodAttributes.Family or MethodAttributes.FamORAssem;

    private int CountParameters(BlobHandle signature)
    {
        var reader = _metadata.GetBlobReader(signature);
        if (reader.ReadSignatureHeader().IsGeneric)
            reader.ReadCompressedInteger();
        return reader.ReadCompressedInteger();
    }
}
