use super::*;
use crate::shape::{
    DecodeError, Layout, ServiceProtocol, ValueReader, ValueWriter, read_member, write_laid_out, write_member,
};

/// As the generator writes a structure of Amazon EC2: read by one name, written by another.
#[derive(Debug, Default, PartialEq)]
struct Tagged {
    id: Option<String>,
    values: Vec<String>,
    tags: Vec<Tagged>,
}

impl Value for Tagged {
    fn write<W: ValueWriter>(&self, writer: &mut W) {
        writer.begin_object();
        write_member(writer, "id", &self.id);
        write_laid_out(writer, "valueSet", Layout::List("item"), &self.values);
        write_laid_out(writer, "tagSet", Layout::List("item"), &self.tags);
        writer.end_object();
    }

    fn read<R: ValueReader>(reader: &mut R) -> Result<Self, DecodeError> {
        let mut it = Self::default();
        reader.object(&mut |name, reader| match name {
            "Id" => read_member(reader, name, &mut it.id),
            "Value" => read_member(reader, name, &mut it.values),
            "Tag" => read_member(reader, name, &mut it.tags),
            _ => Ok(false),
        })?;
        Ok(it)
    }
}

fn sample() -> Tagged {
    Tagged {
        id: Some("a".into()),
        values: vec!["1".into(), "2".into()],
        tags: vec![Tagged {
            values: vec!["x".into()],
            ..Tagged::default()
        }],
    }
}

#[test]
fn lists_of_forms_are_flat() {
    let form = b"Action=Do&Id=a&Value.2=2&Value.1=1&Tag.1.Value.1=x";
    assert_eq!(decode(form), Ok(sample()));
}

#[test]
fn answers_have_no_result_element() {
    let service = Service {
        signing_name: "ec2",
        target_prefix: "",
        api_version: "2016-11-15",
        protocol: ServiceProtocol::Ec2,
        xml_namespace: "http://ec2.amazonaws.com/doc/2016-11-15",
        operations: &[],
    };
    let text = String::from_utf8(encode(&service, "Do", &sample(), "r-1")).expect("UTF-8");
    assert_eq!(
        text,
        "<DoResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><requestId>r-1</requestId><id>a</id>\
         <valueSet><item>1</item><item>2</item></valueSet>\
         <tagSet><item><valueSet><item>x</item></valueSet><tagSet></tagSet></item></tagSet></DoResponse>"
    );
}
