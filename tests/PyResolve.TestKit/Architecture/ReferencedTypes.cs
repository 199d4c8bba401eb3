using System.Collections.Immutable;
using System.Reflection.Metadata;
using TypeNames = System.Collections.Immutable.ImmutableHashSet<string>;

namespace PyResolve.TestKit;

/// <summary>Turns tokens and signatures into the names of the assembly's own outermost types that they mention.</summary>
internal sealed class ReferencedTypes(MetadataReader metadata)
    : ISignatureTypeProvider<TypeNames, object?>, ICustomAttributeTypeProvider<TypeNames>
{
    private static readonly TypeNames None = [];
    private static readonly TypeNames SystemType = ["System.Type"];

    /// <summary>The outermost type's full name: lambdas, async methods and iterators are types nested in it.</summary>
    public string NameOf(TypeDefinitionHandle handle)
    {
        var type = metadata.GetTypeDefinition(handle);
        while (type.IsNested)
            type = metadata.GetTypeDefinition(type.GetDeclaringType());
        var space = metadata.GetString(type.Namespace);
        return space.Length == 0 ? metadata.GetString(type.Name) : $"{space}.{metadata.GetString(type.Name)}";
    }

    public void Add(EntityHandle handle, HashSet<string> used)
    {
        if (handle.IsNil)
            return;
        switch (handle.Kind)
        {
            case HandleKind.TypeDefinition:
                used.Add(NameOf((TypeDefinitionHandle)handle));
                break;
            case HandleKind.TypeSpecification:
                used.UnionWith(metadata.GetTypeSpecification((TypeSpecificationHandle)handle).DecodeSignature(this, null));
                break;
            case HandleKind.MethodDefinition:
                used.Add(NameOf(metadata.GetMethodDefinition((MethodDefinitionHandle)handle).GetDeclaringType()));
                break;
            case HandleKind.FieldDefinition:
                used.Add(NameOf(metadata.GetFieldDefinition((FieldDefinitionHandle)handle).GetDeclaringType()));
                break;
            case HandleKind.MemberReference:
                var member = metadata.GetMemberReference((MemberReferenceHandle)handle);
                Add(member.Parent, used);
                if (member.GetKind() == MemberReferenceKind.Method)
                    Add(member.DecodeMethodSignature(this, null), used);
                else
                    used.UnionWith(member.DecodeFieldSignature(this, null));
                break;
            case HandleKind.MethodSpecification:
                var method = metadata.GetMethodSpecification((MethodSpecificationHandle)handle);
                Add(method.Method, used);
                foreach (var argument in method.DecodeSignature(this, null))
                    used.UnionWith(argument);
                break;
        }
    }

    public void Add(MethodSignature<TypeNames> signature, HashSet<string> used)
    {
        used.UnionWith(signature.ReturnType);
        foreach (var parameter in signature.ParameterTypes)
            used.UnionWith(parameter);
    }

    public TypeNames GetTypeFromDefinition(MetadataReader reader, TypeDefinitionHandle handle, byte rawTypeKind) => [NameOf(handle)];

    public TypeNames GetTypeFromReference(MetadataReader reader, TypeReferenceHandle handle, byte rawTypeKind)
    {
        var type = reader.GetTypeReference(handle);
        var isSystemType = reader.StringComparer.Equals(type.Name, "Type") && reader.StringComparer.Equals(type.Namespace, "System");
        return isSystemType ? SystemType : None;
    }

    public TypeNames GetTypeFromSpecification(
        MetadataReader reader, object? genericContext, TypeSpecificationHandle handle, byte rawTypeKind) =>
        reader.GetTypeSpecification(handle).DecodeSignature(this, genericContext);

    public TypeNames GetGenericInstantiation(TypeNames genericType, ImmutableArray<TypeNames> typeArguments) =>
        genericType.Union(typeArguments.SelectMany(argument => argument));

    public TypeNames GetFunctionPointerType(MethodSignature<TypeNames> signature) =>
        signature.ReturnType.Union(signature.ParameterTypes.SelectMany(parameter => parameter));

    public TypeNames GetModifiedType(TypeNames modifier, TypeNames unmodifiedType, bool isRequired) => unmodifiedType;

    public TypeNames GetArrayType(TypeNames elementType, ArrayShape shape) => elementType;

    public TypeNames GetSZArrayType(TypeNames elementType) => elementType;

    public TypeNames GetByReferenceType(TypeNames elementType) => elementType;

    public TypeNames GetPointerType(TypeNames elementType) => elementType;

    public TypeNames GetPinnedType(TypeNames elementType) => elementType;

    public TypeNames GetPrimitiveType(PrimitiveTypeCode typeCode) => None;

    public TypeNames GetGenericMethodParameter(object? genericContext, int index) => None;

    public TypeNames GetGenericTypeParameter(object? genericContext, int index) => None;

    public TypeNames GetSystemType() => SystemType;

    public bool IsSystemType(TypeNames type) => type == SystemType;

    // An attribute names a type by text: "Namespace.Outer+Nested", with ", Assembly" where it is another assembly's.
    public TypeNames GetTypeFromSerializedName(string name) => [name.Split(',')[0].Split('+')[0]];

    // Which size an enum of another assembly has is not known here; attributes with enums of another size than int cannot be read.
    public PrimitiveTypeCode GetUnderlyingEnumType(TypeNames type) => PrimitiveTypeCode.Int32;
}
